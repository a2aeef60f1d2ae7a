BEGIN TRANSACTION;
CREATE TABLE migration_info (version INTEGER NOT NULL);
INSERT INTO "migration_info" VALUES(1);
CREATE TABLE report (
    org_id          INTEGER NOT NULL,
    cluster         VARCHAR NOT NULL UNIQUE,
    report          VARCHAR NOT NULL,
    reported_at     TIMESTAMP,
    last_checked_at TIMESTAMP,
    PRIMARY KEY(org_id, cluster)
    );
INSERT INTO "report" VALUES(1,'11111111-1111-4111-8111-111111111111','{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.783483172+00:00','2020-07-20 10:11:12.123456+00:00');
INSERT INTO "report" VALUES(2,'22222222-2222-4222-8222-222222222222','{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.789386113+00:00','2020-07-20 12:00:00+02:00');
INSERT INTO "report" VALUES(2,'33333333-3333-4333-8333-333333333333','{"fingerprints":[],"info":[],"pass":[],"reports":[],"skips":[],"system":{"metadata":{},"hostname":null}}','2020-07-22 16:15:58.791119247+00:00','2020-07-21 00:00:00+00:00');
COMMIT;
