CREATE TABLE public.cluster_rule_toggle (
    cluster_id character varying NOT NULL,
    rule_id character varying NOT NULL,
    user_id character varying NOT NULL,
    disabled smallint NOT NULL,
    disabled_at timestamp without time zone,
    enabled_at timestamp without time zone,
    updated_at timestamp without time zone NOT NULL,
    CONSTRAINT cluster_rule_toggle_disabled_check CHECK (((disabled >= 0) AND (disabled <= 1)))
);
CREATE TABLE public.cluster_rule_user_feedback (
    cluster_id character varying NOT NULL,
    rule_id character varying NOT NULL,
    user_id character varying NOT NULL,
    message character varying NOT NULL,
    user_vote smallint NOT NULL,
    added_at timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL
);
CREATE TABLE public.consumer_error (
    topic character varying NOT NULL,
    partition integer NOT NULL,
    topic_offset integer NOT NULL,
    key character varying,
    produced_at timestamp without time zone NOT NULL,
    consumed_at timestamp without time zone NOT NULL,
    message character varying,
    error character varying NOT NULL
);
CREATE TABLE public.migration_info (
    version integer NOT NULL
);
CREATE TABLE public.report (
    org_id integer NOT NULL,
    cluster character varying NOT NULL,
    report character varying NOT NULL,
    reported_at timestamp without time zone,
    last_checked_at timestamp without time zone,
    kafka_offset bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.rule (
    module character varying NOT NULL,
    name character varying NOT NULL,
    summary character varying NOT NULL,
    reason character varying NOT NULL,
    resolution character varying NOT NULL,
    more_info character varying NOT NULL
);
CREATE TABLE public.rule_error_key (
    error_key character varying NOT NULL,
    rule_module character varying NOT NULL,
    condition character varying NOT NULL,
    description character varying NOT NULL,
    impact integer NOT NULL,
    likelihood integer NOT NULL,
    publish_date timestamp without time zone NOT NULL,
    active boolean NOT NULL,
    generic character varying NOT NULL
);
INSERT INTO public.cluster_rule_toggle (cluster_id, rule_id, user_id, disabled, disabled_at, enabled_at, updated_at) VALUES ('11111111-1111-4111-8111-111111111111', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'ann', 1, '2020-07-22 16:16:02.854985', NULL, '2020-07-22 16:16:02.854985');
INSERT INTO public.cluster_rule_toggle (cluster_id, rule_id, user_id, disabled, disabled_at, enabled_at, updated_at) VALUES ('22222222-2222-4222-8222-222222222222', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'bob', 0, NULL, '2020-07-22 16:16:02.886016', '2020-07-22 16:16:02.87329');
INSERT INTO public.cluster_rule_toggle (cluster_id, rule_id, user_id, disabled, disabled_at, enabled_at, updated_at) VALUES ('11111111-1111-4111-8111-111111111111', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'bob', 0, '2020-07-22 16:16:02.854985', '2020-07-22 17:00:00.1', '2020-07-22 17:00:00.1');
INSERT INTO public.cluster_rule_user_feedback (cluster_id, rule_id, user_id, message, user_vote, added_at, updated_at) VALUES ('11111111-1111-4111-8111-111111111111', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'ann', '', 1, '2020-07-22 16:16:02.819931', '2020-07-22 16:16:02.819931');
INSERT INTO public.cluster_rule_user_feedback (cluster_id, rule_id, user_id, message, user_vote, added_at, updated_at) VALUES ('11111111-1111-4111-8111-111111111111', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'bob', 'it''s wrong: é', -1, '2020-07-22 16:16:02.834768', '2020-07-22 16:16:02.834768');
INSERT INTO public.consumer_error (topic, partition, topic_offset, key, produced_at, consumed_at, message, error) VALUES ('ccx.ocp.results', 0, 15, NULL, '2020-07-22 16:15:58.778', '2020-07-22 16:15:58.792142', '{"OrgID": 1, "broken', 'unexpected end of JSON input');
INSERT INTO public.migration_info (version) VALUES (9);
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at, kafka_offset) VALUES (1, '11111111-1111-4111-8111-111111111111', '{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.783483', '2020-07-20 10:11:12.123456', 12);
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at, kafka_offset) VALUES (2, '22222222-2222-4222-8222-222222222222', '{"fingerprints":[],"info":[],"pass":[],"reports":[{"rule_id":"nodes_requirements_check|NODES_MINIMUM_REQUIREMENTS_NOT_MET","component":"ccx_rules_ocp.external.rules.nodes_requirements_check.report","type":"rule","key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET","details":{"nodes":[{"name":"n1","memory":8.16,"é":"ü"}],"type":"rule","error_key":"NODES_MINIMUM_REQUIREMENTS_NOT_MET"},"tags":[],"links":{}}],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.789386', '2020-07-20 12:00:00', 13);
INSERT INTO public.report (org_id, cluster, report, reported_at, last_checked_at, kafka_offset) VALUES (2, '33333333-3333-4333-8333-333333333333', '{"fingerprints":[],"info":[],"pass":[],"reports":[],"skips":[],"system":{"metadata":{},"hostname":null}}', '2020-07-22 16:15:58.791119', '2020-07-21 00:00:00', 14);
INSERT INTO public.rule (module, name, summary, reason, resolution, more_info) VALUES ('ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'Nodes requirements', 's', 'r''', 'é', 'm');
INSERT INTO public.rule_error_key (error_key, rule_module, condition, description, impact, likelihood, publish_date, active, generic) VALUES ('NODES_MINIMUM_REQUIREMENTS_NOT_MET', 'ccx_rules_ocp.external.rules.nodes_requirements_check.report', 'c', 'd', 2, 3, '2020-04-08 00:42:00', true, 'g');
ALTER TABLE ONLY public.cluster_rule_toggle
    ADD CONSTRAINT cluster_rule_toggle_pkey PRIMARY KEY (cluster_id, rule_id, user_id);
ALTER TABLE ONLY public.cluster_rule_user_feedback
    ADD CONSTRAINT cluster_rule_user_feedback_pkey1 PRIMARY KEY (cluster_id, rule_id, user_id);
ALTER TABLE ONLY public.consumer_error
    ADD CONSTRAINT consumer_error_pkey PRIMARY KEY (topic, partition, topic_offset);
ALTER TABLE ONLY public.report
    ADD CONSTRAINT report_cluster_key UNIQUE (cluster);
ALTER TABLE ONLY public.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (org_id, cluster);
ALTER TABLE ONLY public.rule_error_key
    ADD CONSTRAINT rule_error_key_pkey1 PRIMARY KEY (error_key, rule_module);
ALTER TABLE ONLY public.rule
    ADD CONSTRAINT rule_pkey PRIMARY KEY (module);
CREATE INDEX report_kafka_offset_btree_idx ON public.report USING btree (kafka_offset);
ALTER TABLE ONLY public.cluster_rule_user_feedback
    ADD CONSTRAINT cluster_rule_user_feedback_cluster_id_fkey FOREIGN KEY (cluster_id) REFERENCES public.report(cluster) ON DELETE CASCADE;
ALTER TABLE ONLY public.cluster_rule_user_feedback
    ADD CONSTRAINT cluster_rule_user_feedback_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES public.rule(module) ON DELETE CASCADE;
ALTER TABLE ONLY public.rule_error_key
    ADD CONSTRAINT rule_error_key_rule_module_fkey1 FOREIGN KEY (rule_module) REFERENCES public.rule(module) ON DELETE CASCADE;
