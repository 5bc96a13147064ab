from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from contextvars import Context
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway_core.inference.ports import Lease
from gateway_core.kernel.errors import SettingInvalid
from gateway_core.kernel.secret import Secret
from gateway_core.telemetry.context import RequestFacts, use_facts
from gateway_core.telemetry.logs import configure_logging, get_log, redactor
from unit.gateway_core.conftest import LogBytes

ReadLog = Callable[[], list[dict[str, object]]]
SRC = Path(__file__).parents[4] / "src"


def in_a_request(facts: RequestFacts, work: Callable[[], object]) -> None:
    """Do the work as if it were part of a request."""

    def serve() -> None:
        use_facts(facts)
        work()

    Context().run(serve)


def fail(message: str = "no such row") -> None:
    raise ValueError(message)


def test_a_line_has_the_members_of_the_contract(json_log: ReadLog) -> None:
    log = get_log("relay")

    in_a_request(RequestFacts(correlation_id="r1"), lambda: log.info("key_cooled", rest_s=7))

    (line,) = json_log()
    time = datetime.fromisoformat(str(line.pop("timestamp")))
    assert time.utcoffset() == timedelta(0)
    assert line == {
        "message": "key_cooled",
        "logger": "relay",
        "level": "info",
        "type": "mlops",
        "stage": "main",
        "correlation_id": "r1",
        "rest_s": 7,
    }


def test_outside_of_a_request_there_is_no_correlation_id(json_log: ReadLog) -> None:
    Context().run(lambda: get_log("start").info("listening"))

    assert "correlation_id" not in json_log()[0]


def test_what_a_request_binds_is_on_its_lines_but_an_event_field_wins(json_log: ReadLog) -> None:
    facts = RequestFacts(correlation_id="r1", bound={"gitlab_realm": "saas", "lang": "go"}, access={"status_code": 200})

    in_a_request(facts, lambda: get_log("a").info("one"))
    in_a_request(facts, lambda: get_log("a").info("two", lang="rust"))

    one, two = json_log()
    assert (one["gitlab_realm"], one["lang"]) == ("saas", "go")
    assert (two["gitlab_realm"], two["lang"]) == ("saas", "rust")
    assert "status_code" not in one


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_each_level_has_its_name(json_log: ReadLog, level: str) -> None:
    getattr(get_log("a"), level)("happened")

    assert json_log()[0]["level"] == level


def test_lines_below_the_level_are_dropped_from_both_kinds_of_logger(log_bytes: LogBytes) -> None:
    read = log_bytes(level="warning", as_json=True)

    get_log("a").info("quiet")
    logging.getLogger("b").info("quiet")
    get_log("a").warning("loud")
    logging.getLogger("b").warning("loud too")

    lines = [json.loads(line) for line in read().splitlines()]
    assert [line["message"] for line in lines] == ["loud", "loud too"]


def test_an_exception_is_rendered_in_its_own_member(json_log: ReadLog) -> None:
    try:
        fail()
    except ValueError:
        get_log("a").exception("lookup_failed")

    (line,) = json_log()
    assert (line["message"], line["level"]) == ("lookup_failed", "error")
    assert str(line["exception"]).startswith("Traceback")
    assert str(line["exception"]).endswith("ValueError: no such row")
    assert "exc_info" not in line


def test_a_value_that_json_has_no_word_for_is_written_as_text(json_log: ReadLog) -> None:
    get_log("a").info("started", path=Path("data") / "x", what=ValueError("odd"))

    (line,) = json_log()
    assert (line["path"], line["what"]) == ("data/x", "odd")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_secret_that_is_logged_as_an_object_does_not_show_itself(log_bytes: LogBytes, *, as_json: bool) -> None:
    read = log_bytes(level="INFO", as_json=as_json)

    get_log("a").info("called", one=Secret("tr0ub4dor"), lease=Lease(secret=Secret("tr0ub4dor")))

    said = read()
    assert b"called" in said
    assert b"tr0ub4dor" not in said


def test_secret_fields_and_learned_values_are_masked(json_log: ReadLog) -> None:
    redactor.learn("tr0ub4dor-and-3")
    facts = RequestFacts(bound={"authorization": "anything"})

    in_a_request(facts, lambda: get_log("a").info("called", api_key="short", detail="with tr0ub4dor-and-3"))

    (line,) = json_log()
    assert (line["api_key"], line["authorization"]) == ("**********", "**********")
    assert line["detail"] == "with **********"


def test_a_secret_in_an_exception_is_masked(json_log: ReadLog) -> None:
    try:
        fail("key sk-ant-0123456789 refused")
    except ValueError:
        get_log("a").exception("refused")

    assert "sk-ant-0123456789" not in str(json_log())


def test_records_of_the_standard_library_have_the_same_form(json_log: ReadLog) -> None:
    in_a_request(
        RequestFacts(correlation_id="r1", bound={"gitlab_realm": "saas"}),
        lambda: logging.getLogger("uvicorn.error").warning("%s of %d", "one", 2, extra={"color_message": "red"}),
    )

    (line,) = json_log()
    assert datetime.fromisoformat(str(line.pop("timestamp"))).tzinfo
    assert line == {
        "message": "one of 2",
        "logger": "uvicorn.error",
        "level": "warning",
        "type": "mlops",
        "stage": "main",
        "correlation_id": "r1",
        "gitlab_realm": "saas",
    }


def test_an_exception_of_the_standard_library_is_rendered_and_masked(json_log: ReadLog) -> None:
    try:
        fail("https://op:hunter2@host.example/")
    except ValueError:
        logging.getLogger("asyncio").exception("Task failed")

    (line,) = json_log()
    assert str(line["exception"]).endswith("ValueError: https://**********@host.example/")


@pytest.mark.parametrize("level", [15, 25, 35, 60])
def test_a_record_of_a_level_without_a_name_is_not_lost(json_log: ReadLog, level: int) -> None:
    logging.getLogger("library").log(level, "noted")

    assert [line["message"] for line in json_log()] == ["noted"]


def test_a_record_that_cannot_be_written_breaks_nothing(
    log_bytes: LogBytes, capsys: pytest.CaptureFixture[str]
) -> None:
    read = log_bytes(level="INFO", as_json=True)

    logging.getLogger("a").info("%d apples", "many")
    logging.getLogger("a").info("next")

    assert [json.loads(line)["message"] for line in read().splitlines()] == ["next"]
    assert "Logging error" in capsys.readouterr().err


def test_the_servers_own_access_log_is_silent(json_log: ReadLog) -> None:
    logging.getLogger("uvicorn.access").critical("GET / 200")

    assert json_log() == []


def test_handlers_that_libraries_had_set_are_gone(log_bytes: LogBytes, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(sys.stderr))

    read = log_bytes(level="INFO", as_json=True)
    logging.getLogger("uvicorn.error").info("once")

    assert len(read().splitlines()) == 1
    assert capsys.readouterr().err == ""


def test_an_uncaught_exception_is_logged(json_log: ReadLog) -> None:
    error = ValueError("nobody caught it")

    sys.excepthook(ValueError, error, None)

    (line,) = json_log()
    assert (line["message"], line["level"], line["logger"]) == ("Uncaught exception", "critical", "root")
    assert "nobody caught it" in str(line["exception"])


def test_an_interrupt_from_the_keyboard_is_not_logged(json_log: ReadLog, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert json_log() == []
    assert capsys.readouterr().err.strip() == "KeyboardInterrupt"


def test_the_console_form_is_for_people_and_masked_too(log_bytes: LogBytes) -> None:
    read = log_bytes(level="INFO", as_json=False)

    in_a_request(RequestFacts(correlation_id="r1"), lambda: get_log("a").info("called", detail="gw-0123456789", n=2))
    try:
        fail()
    except ValueError:
        logging.getLogger("b").exception("failed")

    said = read().decode()
    first = said.splitlines()[0]
    assert "called" in first
    assert "correlation_id=r1" in first
    assert "n=2" in first
    assert "mlops" not in said
    assert "gw-0123456789" not in said
    assert "ValueError: no such row" in said
    assert "\x1b" not in said


LOGS_TO_FILE = """
import sys
from pathlib import Path
from gateway_core.telemetry.logs import configure_logging, get_log
configure_logging(level="INFO", as_json=sys.argv[2] == "json", to_file=Path(sys.argv[1]))
get_log("a").info(sys.argv[3])
raise RuntimeError("the end")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_log_file_is_appended_to_and_the_error_stream_stays_empty(tmp_path: Path, form: str) -> None:
    file = tmp_path / "gateway.log"
    for word in ("first", "second"):
        ran = subprocess.run(
            [sys.executable, "-c", LOGS_TO_FILE, file, form, word],
            env={"PYTHONPATH": str(SRC)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 1)

    said = file.read_text()
    assert [word for word in ("first", "second") if word in said] == ["first", "second"]
    assert said.count("Uncaught exception") == 2
    assert "\x1b" not in said
    if form == "json":
        assert len([json.loads(line) for line in said.splitlines()]) == 4


def test_a_log_file_that_cannot_be_opened_is_refused_by_its_setting(tmp_path: Path, own_logging: None) -> None:
    file = tmp_path / "missing" / "gateway.log"

    with pytest.raises(SettingInvalid) as refused:
        configure_logging(level="INFO", as_json=True, to_file=file)

    assert str(refused.value) == (
        f"AIGW_LOGGING__TO_FILE={str(file)!r} cannot be opened: No such file or directory; give a file we may write."
    )


def test_a_folder_is_no_log_file(tmp_path: Path, own_logging: None) -> None:
    with pytest.raises(SettingInvalid, match=r"^AIGW_LOGGING__TO_FILE=.* Is a directory"):
        configure_logging(level="INFO", as_json=True, to_file=tmp_path)
