BEGIN TRANSACTION;
CREATE TABLE cluster_rule_toggle (
    cluster_id VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL,
    user_id VARCHAR NOT NULL,
    disabled SMALLINT NOT NULL,
    disabled_at TIMESTAMP NULL,
    enabled_at TIMESTAMP NULL,
    updated_at TIMESTAMP NOT NULL,
    CHECK (disabled >= 0 AND disabled <= 1),
    PRIMARY KEY(cluster_id, rule_id, user_id)
    );
INSERT INTO "cluster_rule_toggle" VALUES('11111111-1111-4111-8111-111111111111','ccx_rules_ocp.external.rules.nodes_requirements_check.report','ann',1,'2020-07-22 16:16:02.854985263+00:00',NULL,'2020-07-22 16:16:02.854985263+00:00');
INSERT INTO "cluster_rule_toggle" VALUES('22222222-2222-4222-8222-222222222222','ccx_rules_ocp.external.rules.nodes_requirements_check.report','bob',0,NULL,'2020-07-22 16:16:02.886016396+00:00','2020-07-22 16:16:02.873290394+00:00');
INSERT INTO "cluster_rule_toggle" VALUES('11111111-1111-4111-8111-111111111111','ccx_rules_ocp.external.rules.nodes_requirements_check.report','bob',0,'2020-07-22 16:16:02.854985263+00:00','2020-07-22 17:00:00.1+00:00','2020-07-22 17:00:00.1+00:00');
CREATE TABLE cluster_rule_user_feedback (
    cluster_id VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL,
    user_id VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    user_vote SMALLINT NOT NULL,
    added_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY(cluster_id, rule_id, user_id),
    FOREIGN KEY (cluster_id)
    REFERENCES report(cluster)
    ON DELETE CASCADE,
    FOREIGN KEY (rule_id)
    REFERENCES rule(module)
    ON DELETE CASCADE
    );
INSERT INTO "cluster_rule_user_feedback" VALUES('11111111-1111-4111-8111-111111111111','ccx_rules_ocp.external.rules.nodes_requirements_check.report','ann','',1,'2020-07-22 16:16:02.819931216+00:00','2020-07-22 16:16:02.819931216+00:00');
INSERT INTO "cluster_rule_user_feedback" VALUES('11111111-1111-4111-8111-111111111111','ccx_rules_ocp.external.rules.nodes_requirements_check.report','bob','it''s wrong: é',-1,'2020-07-22 16:16:02.834768097+00:00','2020-07-22 16:16:02.834768097+00:00');
CREATE TABLE consumer_error (
    topic           VARCHAR NOT NULL,
    partition       INTEGER NOT NULL,
    topic_offset    INTEGER NOT NULL,
    key             VARCHAR,
    produced_at     TIMESTAMP NOT NULL,
    consumed_at     TIMESTAMP NOT NULL,
    message         VARCHAR,
    error           VARCHAR NOT NULL,
    PRIMARY KEY(topic, partition, topic_offset)
    );
INSERT INTO "consumer_error" VALUES('ccx.ocp.results',0,15,NULL,'2020-07-22 16:15:58.778+00:00','2020-07-22 16:15:58.792142389+00:00',X'7B224F72674944223A20312C202262726F6B656E','unexpected end of JSON input');
CREATE TABLE migration_info (version INTEGER NOT NULL);
INSERT INTO "migration_info" VALUES(8);
CREATE TABLE report (
    org_id          INTEGER NOT NULL,
    cluster         VARCHAR NOT NULL UNIQUE,
    report          VARCHAR NOT NULL,
    reported_at     TIMESTAMP,
    last_checked_at TIMESTAMP, kafka_offset BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY(org_id, cluster)
    );
INSERT INTO "report" VALUES(1,'11111111-1111-4111-8111-111111111111','{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.783483172+00:00','2020-07-20 10:11:12.123456+00:00',12);
INSERT INTO "report" VALUES(2,'22222222-2222-4222-8222-222222222222','{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.789386113+00:00','2020-07-20 12:00:00+02:00',13);
INSERT INTO "report" VALUES(2,'33333333-3333-4333-8333-333333333333','{"fingerprints":[],"info":[],"pass":[],"reports":[],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.791119247+00:00','2020-07-21 00:00:00+00:00',14);
CREATE TABLE rule (
    "module"        VARCHAR PRIMARY KEY,
    "name"          VARCHAR NOT NULL,
    "summary"       VARCHAR NOT NULL,
    "reason"        VARCHAR NOT NULL,
    "resolution"    VARCHAR NOT NULL,
    "more_info"     VARCHAR NOT NULL
    );
INSERT INTO "rule" VALUES('ccx_rules_ocp.external.rules.nodes_requirements_check.report','Nodes requirements','s','r''','é','m');
CREATE TABLE rule_error_key (
    "error_key"     VARCHAR NOT NULL,
    "rule_module"   VARCHAR NOT NULL REFERENCES rule(module) ON DELETE CASCADE,
    "condition"     VARCHAR NOT NULL,
    "description"   VARCHAR NOT NULL,
    "impact"        INTEGER NOT NULL,
    "likelihood"    INTEGER NOT NULL,
    "publish_date"  TIMESTAMP NOT NULL,
    "active"        BOOLEAN NOT NULL,
    "generic"       VARCHAR NOT NULL,
    PRIMARY KEY("error_key", "rule_module")
    );
INSERT INTO "rule_error_key" VALUES('NODES_MINIMUM_REQUIREMENTS_NOT_MET','ccx_rules_ocp.external.rules.nodes_requirements_check.report','c','d',2,3,'2020-04-08 00:42:00+00:00',1,'g');
COMMIT;
