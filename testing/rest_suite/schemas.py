"""JSON Schemas of the answers: the suite's own copy of the contract (sections 3 to 5)."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
HITS: Schema = {"type": "integer", "minimum": -1, "not": {"const": 0}}
VOTE: Schema = {"type": "integer", "enum": [-1, 0, 1]}
BOOLEAN: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
UUID: Schema = {
    "type": "string",
    "pattern": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
}
ORGANIZATION: Schema = {"type": "integer", "minimum": 1}
RULE: Schema = {"type": "string", "pattern": r"^[a-zA-Z_0-9.]+$"}
KEY: Schema = {"type": "string", "minLength": 1}
SELECTOR: Schema = {"type": "string", "pattern": r"^[a-zA-Z_0-9]+\.[a-zA-Z_0-9.]+\|[a-zA-Z_0-9]+$"}
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
SECONDS: Schema = {"type": "string", "pattern": _MOMENT + "Z$"}
MOMENT: Schema = {"type": "string", "pattern": _MOMENT + r"(\.[0-9]*[1-9])?Z$"}


def some(item: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def distinct(item: Schema) -> Schema:
    """Return the schema of a list in which nothing occurs twice."""
    return {**some(item), "uniqueItems": True}


def nothing_or(schema: Schema) -> Schema:
    """Return a schema that also allows null."""
    return {"anyOf": [{"type": "null"}, schema]}


def empty_or(schema: Schema) -> Schema:
    """Return a schema that also allows an empty text."""
    return {"anyOf": [{"const": ""}, schema]}


def record(optional: tuple[str, ...] = (), /, **members: Schema) -> Schema:
    """Return the schema of an object that has just these members, all but the optional ones."""
    return {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def mapping(key: Schema, value: Schema) -> Schema:
    """Return the schema of an object with members of any names of a kind."""
    return {"type": "object", "propertyNames": key, "additionalProperties": value}


def done(**members: Schema) -> Schema:
    """Return the schema of a successful answer."""
    return record(status={"const": "ok"}, **members)


ERROR = record(status={"type": "string", "minLength": 1, "not": {"const": "ok"}})
NULL_TIME: Schema = {"const": "0001-01-01T00:00:00Z"}
TIME = {
    "anyOf": [
        record(Time=MOMENT, Valid={"const": True}),
        record(Time=NULL_TIME, Valid={"const": False}),
    ]
}
NEVER = record(Time=NULL_TIME, Valid={"const": False})
VERSION = record(cluster_version=TEXT)

INFO = done(
    info={
        "type": "object",
        "required": [
            "BuildBranch",
            "BuildCommit",
            "BuildTime",
            "BuildVersion",
            "DVO_DB_version",
            "OCP_DB_version",
            "UtilsVersion",
        ],
        "additionalProperties": TEXT,
    }
)
OPENAPI: Schema = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {"openapi": {"type": "string", "pattern": r"^3\."}, "paths": {"type": "object"}},
}
REPORT = done(
    report=record(
        meta=record(
            ("gathered_at",),
            cluster_name={"const": ""},
            count=HITS,
            last_checked_at=SECONDS,
            gathered_at=SECONDS,
        ),
        reports=some(
            record(
                component=RULE,
                key=KEY,
                user_vote=VOTE,
                disabled=BOOLEAN,
                disable_feedback=TEXT,
                disabled_at=empty_or(SECONDS),
                details=ANYTHING,
                impacted=SECONDS,
            )
        ),
    )
)
# of the service of 2020 only the frame is certain
REPORT_2020: Schema = {
    "type": "object",
    "required": ["report", "status"],
    "properties": {
        "status": {"const": "ok"},
        "report": {
            "type": "object",
            "required": ["meta"],
            "properties": {"meta": {"type": "object", "required": ["count", "last_checked_at"]}},
        },
    },
}
REPORT_INFO = done(metainfo=record(count=HITS, last_checked_at=SECONDS, stored_at=SECONDS))
RULE_OF_CLUSTER = done(
    report=record(
        component=RULE,
        key=KEY,
        user_vote=VOTE,
        disabled=BOOLEAN,
        disable_feedback=TEXT,
        disabled_at=empty_or(SECONDS),
        details=ANYTHING,
    )
)
REPORTS = done(
    clusters=nothing_or(some(TEXT)),
    errors=nothing_or(some(TEXT)),
    reports=mapping(TEXT, {"type": ["object", "array", "string", "number", "boolean", "null"]}),
    generated_at={"const": ""},
)
CLUSTERS_DETAIL = done(
    clusters=distinct(
        record(
            cluster=UUID,
            cluster_name={"const": ""},
            last_checked_at=empty_or(MOMENT),
            impacted=empty_or(MOMENT),
            meta=VERSION,
        )
    )
)
RECOMMENDATIONS = done(recommendations=mapping(KEY, {**distinct(UUID), "minItems": 1}))
CLUSTER_RECOMMENDATIONS = done(
    clusters=mapping(UUID, record(created_at=MOMENT, meta=VERSION, recommendations=distinct(KEY)))
)
DISABLED = done(
    rules=distinct(
        record(
            ClusterID=UUID,
            RuleID=RULE,
            # the routes of 2020 disable rules that do not hit on the empty key
            ErrorKey=TEXT,
            Disabled={"const": 1},
            DisabledAt=TIME,
            EnabledAt=NEVER,
            UpdatedAt=TIME,
        )
    )
)
REASONS = done(
    reasons=distinct(
        record(
            ClusterID=UUID, RuleID=RULE, ErrorKey=KEY, Message=TEXT, AddedAt=TIME, UpdatedAt=TIME
        )
    )
)
DISABLED_CLUSTERS = done(
    clusters=nothing_or(
        {
            **some(
                record(
                    cluster_id=UUID,
                    cluster_name={"const": ""},
                    disabled_at=MOMENT,
                    justification=TEXT,
                )
            ),
            "minItems": 1,
        }
    )
)
ACK = record(
    org_id=ORGANIZATION,
    user_id={"const": ""},
    rule_id=RULE,
    error_key=KEY,
    justification=TEXT,
    created_at=TIME,
    updated_at=TIME,
)
RATING = record(rule=KEY, rating={"type": "integer"})
COUNTS = nothing_or(mapping(KEY, COUNT))
WORKLOAD_METADATA = record(
    recommendations=COUNT,
    objects=COUNT,
    reported_at=SECONDS,
    last_checked_at=SECONDS,
    highest_severity={"const": 0},
    hits_by_severity={"type": "null"},
)
WORKLOAD_CLUSTER = record(uuid=UUID, display_name={"const": ""})
NAMESPACE = record(uuid=KEY, name=TEXT)
WORKLOADS = done(
    workloads=nothing_or(
        some(
            record(
                cluster=WORKLOAD_CLUSTER,
                namespace=NAMESPACE,
                metadata=WORKLOAD_METADATA,
                recommendations_hit_count=COUNTS,
            )
        )
    )
)
NAMESPACE_WORKLOADS = done(
    workloads=record(
        status={"const": ""},
        cluster=WORKLOAD_CLUSTER,
        namespace=NAMESPACE,
        metadata=WORKLOAD_METADATA,
        recommendations=some(
            record(
                check=KEY,
                details={"const": ""},
                resolution={"const": ""},
                modified={"const": ""},
                more_info={"const": ""},
                extra_data=ANYTHING,
                objects={
                    **some(record(kind=TEXT, uid=TEXT, display_name=TEXT)),
                    "minItems": 1,
                },
            )
        ),
    )
)
