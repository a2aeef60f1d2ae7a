CREATE TABLE public.migration_info (
    version integer NOT NULL
);
INSERT INTO public.migration_info (version) VALUES (0);
