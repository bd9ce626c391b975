-- The three roles of cloudmining and what they may do in the current database.
-- Run as a superuser inside that database; safe to repeat. Passwords are set apart (see docs/operations.md).
--   cloudmining_owner     owns the database; migrations only
--   cloudmining_app       all run-time code; row-level security binds it
--   cloudmining_platform  named operator code; bypasses row-level security
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['cloudmining_owner', 'cloudmining_app', 'cloudmining_platform'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', wanted);
    END IF;
  END LOOP;
  IF current_database() <> 'template1' THEN
    EXECUTE format('ALTER DATABASE %I OWNER TO cloudmining_owner', current_database());
  END IF;
END
$$;

ALTER ROLE cloudmining_owner LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE cloudmining_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE cloudmining_platform LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cloudmining_app, cloudmining_platform;
ALTER DEFAULT PRIVILEGES FOR ROLE cloudmining_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cloudmining_app, cloudmining_platform;
ALTER DEFAULT PRIVILEGES FOR ROLE cloudmining_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO cloudmining_app, cloudmining_platform;
