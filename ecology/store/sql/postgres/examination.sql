-- name: settings
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
       pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE),
       current_setting('max_connections')::int,
       (SELECT sum(numbackends) FROM pg_catalog.pg_stat_database)::int;
