-- Makes the role that Lanyard serves as, and its database; run again, it gives the role the password that the file has
-- then. Compose runs it when PostgreSQL makes its data folder, README.md says how it is run on a managed database.
--
--   LANYARD_PASSWORD_FILE=keys/database-password psql --dbname postgres --file database.sql
--
-- Whoever administers the server is not bound by row-level security, so Lanyard refuses to serve as a superuser.
\set ON_ERROR_STOP on
\set password `cat "$LANYARD_PASSWORD_FILE"`
SELECT :'password' = '' AS has_no_password \gset
\if :has_no_password
DO $$ BEGIN RAISE EXCEPTION 'the password of the role lanyard cannot be read'; END $$;
\endif

SELECT 'CREATE ROLE lanyard LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lanyard') \gexec
ALTER ROLE lanyard PASSWORD :'password';
-- who is no superuser makes databases only for roles that it could be itself
GRANT lanyard TO CURRENT_USER;
SELECT 'CREATE DATABASE lanyard OWNER lanyard'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'lanyard') \gexec
REVOKE ALL ON DATABASE lanyard FROM PUBLIC;
REVOKE lanyard FROM CURRENT_USER;
