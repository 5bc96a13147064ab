"""OVERWRITTEN BY MISTAKE at 09:39 while tests/http/test_*.py (the contract cases) were written; see the error below."""

raise ImportError(
    "tests/fakes/caller.py was overwritten by mistake and its text is lost: whoever wrote it (Answer, Call, connected, "
    "render_post, ... for fakes/suggestions.py) must write it again over this notice. The contract cases use "
    "fakes/gitlab.py and will not touch this path any more."
)
