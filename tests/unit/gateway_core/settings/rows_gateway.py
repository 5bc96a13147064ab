"""The table of settings, first part: core, server, access."""

from __future__ import annotations

from unit.gateway_core.settings.row import (
    HOME,
    READABLE,
    Row,
    commas,
    count,
    file,
    flag,
    level,
    listener,
    port,
    seconds,
    text,
    url,
)

_BOTH_TLS = {"AIGW_FASTAPI__TLS__CERT_FILE": READABLE, "AIGW_FASTAPI__TLS__KEY_FILE": READABLE}
_ONE_LINE_PEM = r"-----BEGIN KEY-----\nabc\n-----END KEY-----"
_PEM = "-----BEGIN KEY-----\nabc\n-----END KEY-----"

CORE = (
    text("AIGW_ENVIRONMENT", "environment", "production"),
    url("AIGW_GITLAB_URL", "gitlab_url", "https://gitlab.com"),
    url("AIGW_GITLAB_API_URL", "gitlab_api_url", "https://gitlab.com/api/v4/"),
    url("AIGW_CUSTOMER_PORTAL_URL", "customer_portal_url", "https://customers.gitlab.com"),
    url("AIGW_GLGO_BASE_URL", "glgo_base_url", "http://auth.token.gitlab.com"),
    text("AIGW_CLOUD_CONNECTOR_SERVICE_NAME", "cloud_connector_service_name", "gitlab-ai-gateway"),
    file("AIGW_CONFIG_FILE", "config_file"),
    Row("AIGW_DATA_DIR", "data_dir", HOME / ".local/share/ai-gateway", "/srv/data", HOME.parent.parent / "srv/data"),
    flag("AIGW_MOCK_MODEL_RESPONSES", "mock_model_responses"),
    flag("AIGW_USE_AGENTIC_MOCK", "use_agentic_mock"),
    flag("AIGW_AGENTIC_MOCK__AUTO_TOOL_APPROVAL", "agentic_mock.auto_tool_approval"),
    flag("AIGW_AGENTIC_MOCK__USE_LAST_HUMAN_MESSAGE", "agentic_mock.use_last_human_message", default=True),
    flag("AIGW_MOCK_USAGE_CREDITS", "mock_usage_credits"),
    url("AIGW_MOCK_USAGE_QUOTA_SERVER__URL", "mock_usage_quota_server.url", "http://localhost:4567"),
    file("AIGW_LITELLM__MODEL_METADATA_FILE", "litellm.model_metadata_file"),
    level("AIGW_LOGGING__LEVEL", "logging.level"),
    flag("AIGW_LOGGING__FORMAT_JSON", "logging.format_json", default=True),
    file("AIGW_LOGGING__TO_FILE", "logging.to_file"),
    flag("AIGW_LOGGING__ENABLE_REQUEST_LOGGING", "logging.enable_request_logging"),
    flag("AIGW_LOGGING__ENABLE_LITELLM_LOGGING", "logging.enable_litellm_logging"),
)

SERVER = (
    listener("AIGW_FASTAPI__API_HOST", "fastapi.api_host"),
    port("AIGW_FASTAPI__API_PORT", "fastapi.api_port", 5052),
    listener("AIGW_FASTAPI__METRICS_HOST", "fastapi.metrics_host"),
    port("AIGW_FASTAPI__METRICS_PORT", "fastapi.metrics_port", 8082),
    Row(
        "AIGW_FASTAPI__UVICORN_LOGGER",
        "fastapi.uvicorn_logger",
        {"version": 1, "disable_existing_loggers": False},
        '{"version": 1}',
        {"version": 1},
        bad="[]",
    ),
    Row("AIGW_FASTAPI__DOCS_URL", "fastapi.docs_url", None, "/docs", "/docs", bad="docs"),
    Row("AIGW_FASTAPI__OPENAPI_URL", "fastapi.openapi_url", None, "/o.json", "/o.json", bad="o.json"),
    Row("AIGW_FASTAPI__REDOC_URL", "fastapi.redoc_url", None, "/redoc", "/redoc", bad="redoc"),
    flag("AIGW_FASTAPI__RELOAD", "fastapi.reload"),
    seconds("AIGW_FASTAPI__HEARTBEAT", "fastapi.heartbeat", 15.0),
    flag("AIGW_FASTAPI__TLS__ENABLED", "fastapi.tls.enabled", along=_BOTH_TLS),
    file("AIGW_FASTAPI__TLS__CERT_FILE", "fastapi.tls.cert_file"),
    file("AIGW_FASTAPI__TLS__KEY_FILE", "fastapi.tls.key_file"),
    text("AIGW_FASTAPI__TLS__SSL_CIPHERS", "fastapi.tls.ssl_ciphers", "TLSv1"),
    count("AIGW_LIMITS__MAX_BODY_BYTES", "limits.max_body_bytes", 33_554_432),
    seconds("AIGW_LIMITS__BODY_TIMEOUT", "limits.body_timeout", 60.0),
    seconds("AIGW_LIMITS__HEADER_TIMEOUT", "limits.header_timeout", 10.0),
    count("AIGW_LIMITS__MAX_HEADER_BYTES", "limits.max_header_bytes", 65_536),
    seconds("AIGW_LIMITS__SHUTDOWN_TIMEOUT", "limits.shutdown_timeout", 30.0),
    seconds("AIGW_UPSTREAM__CONNECT_TIMEOUT", "upstream.connect_timeout", 5.0),
    seconds("AIGW_UPSTREAM__FIRST_BYTE_TIMEOUT", "upstream.first_byte_timeout", 60.0),
    seconds("AIGW_UPSTREAM__IDLE_TIMEOUT", "upstream.idle_timeout", 60.0),
    seconds("AIGW_UPSTREAM__TOTAL_TIMEOUT", "upstream.total_timeout", 600.0),
    count("AIGW_UPSTREAM__MAX_ANSWER_BYTES", "upstream.max_answer_bytes", 33_554_432),
    count("WEB_CONCURRENCY", "web_concurrency", 1),
    file("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"),
)

ACCESS = (
    flag("AIGW_AUTH__BYPASS_EXTERNAL", "auth.bypass_external"),
    flag("AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER", "auth.bypass_external_with_header"),
    flag("AIGW_AUTH__BYPASS_JWT_SIGNATURE", "auth.bypass_jwt_signature"),
    Row("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", "self_signed_jwt.signing_key", None, _ONE_LINE_PEM, _PEM),
    Row("AIGW_SELF_SIGNED_JWT__VALIDATION_KEY", "self_signed_jwt.validation_key", None, _PEM, _PEM),
    Row(
        "AIGW_FEATURE_FLAGS__DISALLOWED_FLAGS",
        "feature_flags.disallowed_flags",
        {},
        '{"saas": ["a", "b"]}',
        {"saas": frozenset({"a", "b"})},
        bad='{"saas": 1}',
    ),
    Row(
        "AIGW_FEATURE_FLAGS__EXCL_POST_PROCESS",
        "feature_flags.excl_post_process",
        (),
        '["a", "b"]',
        ("a", "b"),
        bad="a,b",
    ),
    Row(
        "AIGW_FEATURE_FLAGS__FIREWORKS_SCORE_THRESHOLD",
        "feature_flags.fireworks_score_threshold",
        {},
        '{"m": -1.5}',
        {"m": -1.5},
        bad='{"m": "low"}',
    ),
    flag(
        "AIGW_PROCESS_LEVEL_FEATURE_FLAGS__DUO_CLASSIC_CHAT_DUO_CORE_CUTOFF",
        "process_level_feature_flags.duo_classic_chat_duo_core_cutoff",
    ),
    commas("AIGW_PROXY_ENDPOINTS__SELF_MANAGED_ENABLED", "proxy_endpoints.self_managed_enabled"),
    commas("AIGW_PROXY_ENDPOINTS__SAAS_ENABLED", "proxy_endpoints.saas_enabled"),
    text("CUSTOMER_PORTAL_USAGE_QUOTA_API_USER", "usage_quota.user"),
    text("CUSTOMER_PORTAL_USAGE_QUOTA_API_TOKEN", "usage_quota.token"),
    text("AIGW_CUSTOMERSDOT__API_USER", "customersdot.api_user"),
    text("AIGW_CUSTOMERSDOT__API_TOKEN", "customersdot.api_token"),
)
