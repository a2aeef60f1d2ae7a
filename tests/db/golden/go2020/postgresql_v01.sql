CREATE TABLE public.migration_info (
    version integer NOT NULL
);
CREATE TABLE public.report (
    org_id integer NOT NULL,
    cluster character varying NOT NULL,
    report character varying NOT NULL,
    reported_at timestamp without time zone,
    last_checked_at timestamp without time zone
);
INSERT INTO public.migration_info (version) VALUES (1);
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at) VALUES (1, '11111111-1111-4111-8111-111111111111', '{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.783483', '2020-07-20 10:11:12.123456');
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at) VALUES (2, '22222222-2222-4222-8222-222222222222', '{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.789386', '2020-07-20 12:00:00');
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at) VALUES (2, '33333333-3333-4333-8333-333333333333', '{"fingerprints":[],"info":[],"pass":[],"reports":[],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.791119', '2020-07-21 00:00:00');
ALTER TABLE ONLY public.report
    ADD CONSTRAINT report_cluster_key UNIQUE (cluster);
ALTER TABLE ONLY public.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (org_id, cluster);
