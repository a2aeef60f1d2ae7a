"""`print-config`: prints the effective configuration under the Go service's names, masked."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from typing import Any

from ..config import document, pg_params
from ..config.options import SECRETS, Config
from ..escaping import printable, printable_json
from ..masking import MASK, mask_text
from . import arguments

# section -> its name in the Go service's output, in the Go service's order
SECTIONS = {
    "broker": "Broker",
    "server": "Server",
    "processing": "Processing",
    "ocp_recommendations_storage": "OCPRecommendationsStorage",
    "dvo_recommendations_storage": "DVORecommendationsStorage",
    "storage_backend": "StorageBackend",
    "logging": "Logging",
    "cloudwatch": "CloudWatch",
    "redis": "Redis",
    "metrics": "Metrics",
    "sentry": "SentryLoggingConf",
}
# keys of the Go service in its order; those of ours follow under their own names
NAMES = {
    "broker": (
        "addresses:Addresses security_protocol:SecurityProtocol cert_path:CertPath "
        "sasl_mechanism:SaslMechanism sasl_username:SaslUsername sasl_password:SaslPassword "
        "topic:Topic timeout:Timeout payload_tracker_topic:PayloadTrackerTopic "
        "dead_letter_queue_topic:DeadLetterQueueTopic service_name:ServiceName group:Group "
        "enabled:Enabled :OrgAllowlist enable_org_allowlist:OrgAllowlistEnabled "
        "client_id:ClientID "
        "display_message_with_wrong_structure:DisplayMessageWithWrongStructure"
    ),
    "server": (
        "address:Address api_prefix:APIPrefix api_spec_file:APISpecFile debug:Debug auth:Auth "
        "auth_type:AuthType maximum_feedback_message_length:MaximumFeedbackMessageLength "
        "org_overview_limit_hours:OrgOverviewLimitHours"
    ),
    "processing": "org_allowlist_file:OrgAllowlistFile",
    "storage": (
        "db_driver:Driver log_sql_queries:LogSQLQueries pg_username:PGUsername "
        "pg_password:PGPassword pg_host:PGHost pg_port:PGPort pg_db_name:PGDBName "
        "pg_params:PGParams type:Type :RedisConfiguration"
    ),
    "storage_backend": "use:Use",
    "logging": (
        "debug:Debug use_stderr:UseStderr log_level:LogLevel "
        "logging_to_cloud_watch_enabled:LoggingToCloudWatchEnabled "
        "logging_to_sentry_enabled:LoggingToSentryEnabled"
    ),
    "cloudwatch": (
        "aws_access_id:AWSAccessID aws_secret_key:AWSSecretKey "
        "aws_session_token:AWSSessionToken aws_region:AWSRegion log_group:LogGroup "
        "stream_name:StreamName debug:Debug"
    ),
    "redis": (
        "endpoint:RedisEndpoint database:RedisDatabase timeout_seconds:RedisTimeoutSeconds "
        "password:RedisPassword username:RedisUsername"
    ),
    "metrics": "namespace:Namespace",
    "sentry": "dsn:SentryDSN environment:SentryEnvironment",
}
# what the Go service prints and we do not keep in these sections
FIXED: dict[str, Any] = {
    "OrgAllowlist": None,
    "RedisConfiguration": {
        "RedisEndpoint": "",
        "RedisDatabase": 0,
        "RedisTimeoutSeconds": 0,
        "RedisPassword": "",
        "RedisUsername": "",
    },
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    arguments.describe(
        parser,
        "Print the configuration in effect: of the file, environment variables and Clowder. "
        "Secrets are masked. Without options it is the Go service's JSON, with its names.",
        "print-config",
        "print-config --yaml",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--yaml",
        action="store_true",
        help="print YAML with the documented names (docs/configuration.md) and the origin of each "
        "value: default, file, environment variable, Clowder, or implied by other options",
    )
    group.add_argument(
        "--json", action="store_true", help="the same as JSON: value and origin of each option"
    )


def run(config: Config, options: argparse.Namespace) -> int:
    """Print the configuration as JSON with four blanks, or as YAML with origins."""
    if options.yaml or options.json:
        _print_with_origins(config, as_json=options.json)
        return 0
    theirs = {
        title: _section(section, getattr(config, section)) for section, title in SECTIONS.items()
    }
    print(printable_json(json.dumps(theirs, indent=4, ensure_ascii=False)))
    return 0


def _print_with_origins(config: Config, *, as_json: bool) -> None:
    shown, origins = document.masked(document.values(config)), document.origins(config)
    if as_json:
        told = {
            section: {
                key: {"value": value, "origin": origins[section][key]}
                for key, value in pairs.items()
            }
            for section, pairs in shown.items()
        }
        print(printable_json(json.dumps(told, indent=2, ensure_ascii=False)))
        return
    for section, pairs in shown.items():
        print(f"{section}:")
        for key, value in pairs.items():
            print(f"  {yaml_line(key, value)}  # {printable(origins[section][key])}")


def yaml_line(key: str, value: Any) -> str:
    """Return `key: value` in YAML, on one line; JSON's values are also YAML's."""
    return f"{key}: {printable_json(json.dumps(value, ensure_ascii=False))}"


def _section(section: str, options: Any) -> dict[str, Any]:
    names = NAMES["storage" if section.endswith("_storage") else section]
    pairs = (pair.partition(":") for pair in names.split())
    known = {title: option for option, _, title in pairs}
    shown = {
        title: _shown(option, getattr(options, option)) if option else FIXED[title]
        for title, option in known.items()
    }
    ours = [one.name for one in fields(options) if one.name not in known.values()]
    return shown | {name: _shown(name, getattr(options, name)) for name in ours}


def _shown(option: str, value: Any) -> Any:
    if option in SECRETS and value:
        return MASK
    if option == "timeout":
        return round(value * 1_000_000_000)
    if option == "pg_params":
        return mask_text(pg_params.masked(value))
    text = ",".join(value) if isinstance(value, tuple) else value
    return mask_text(text) if isinstance(text, str) else text
