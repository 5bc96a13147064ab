"""Settings of the product as a whole: where GitLab is, what is mocked, how it logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from gateway_core.settings.kinds import DatabaseUrl, Derived, FilePath, FolderPath, LogLevel, Section, Url


class AgenticMock(Section):
    """The scripted agent of the mock mode."""

    auto_tool_approval: bool = False
    """The workflow service runs the scripted agent's tools without asking for approval."""

    use_last_human_message: bool = True
    """The script is read from the last message of the user; off, from the first."""


class MockUsageQuotaServer(Section):
    """The quota service that the mock mode starts."""

    url: Url = "http://localhost:4567"
    """Address of the mock quota server; its port is the one it listens on."""


class Litellm(Section):
    """Facts about models, in the file format of that library."""

    model_metadata_file: FilePath | None = None
    """JSON file whose entries are merged into the registry of models at start."""


class Logging(Section):
    """What is logged, how and where to."""

    level: LogLevel = "INFO"
    """Lowest level that is logged; capitals do not matter."""

    format_json: bool = True
    """Log one JSON object a line; off, coloured lines for a console."""

    to_file: FilePath | None = None
    """Append the log to this file instead of writing it to the standard error stream."""

    enable_request_logging: bool = False
    """Log prompts and answers too. They are the callers' private data: off unless you need it."""

    enable_litellm_logging: bool = False
    """Log every call to a model provider in detail, for debugging."""


class Core(Section):
    """Core and logging."""

    environment: str = "production"
    """Name of the installation, sent with events; `development` also links traces to the caller's."""

    gitlab_url: Url = "https://gitlab.com"
    """GitLab instance whose keys sign the callers' tokens (first identity provider)."""

    gitlab_api_url: Url = "https://gitlab.com/api/v4/"
    """Where GitLab's own API begins."""

    customer_portal_url: Url = "https://customers.gitlab.com"
    """Customer portal: second identity provider, and the quota service."""

    glgo_base_url: Url = "http://auth.token.gitlab.com"
    """Service that exchanges our token for one that Amazon Q accepts."""

    cloud_connector_service_name: str = "gitlab-ai-gateway"
    """Our name in tokens: the audience we accept and the issuer we sign as."""

    config_file: FilePath | None = None
    """The gateway.yaml with providers, models, routes and clients; not set: none."""

    data_dir: Annotated[FolderPath, Derived("`$XDG_DATA_HOME/ai-gateway`, else `~/.local/share/ai-gateway`")] = Path(
        "~/.local/share/ai-gateway"
    )
    """Folder for what must survive a restart: keys and databases."""

    database_url: Annotated[DatabaseUrl | None, Derived("the SQLite file `gateway.db` in `AIGW_DATA_DIR`")] = None
    """Database of clients, their keys and the audit; replicas share one on PostgreSQL, as in
    `postgresql://user:password@host/name`."""

    mock_model_responses: bool = False
    """Make answers up instead of calling a model: `mock`, or an echo of a ready-made prompt."""

    use_agentic_mock: bool = False
    """With mocked answers on, agents follow the script in the user's message."""

    agentic_mock: AgenticMock = AgenticMock()

    mock_usage_credits: bool = False
    """Start a mock quota server and ask it instead of the customer portal."""

    mock_usage_quota_server: MockUsageQuotaServer = MockUsageQuotaServer()

    litellm: Litellm = Litellm()

    logging: Logging = Logging()
