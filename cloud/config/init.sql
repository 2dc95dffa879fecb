-- The schema of Guise, for PostgreSQL 15 and newer. This file is migration 1.
--
-- Load it into an empty database:
--
--   psql -v ON_ERROR_STOP=1 -f cloud/config/init.sql "$DATABASE_URL"
--
-- It is one transaction: a load that fails leaves nothing. It records itself in schema_migrations, so a service started on
-- a database loaded this way applies only what is newer (cloud/config/migrations/). A service started on an empty database
-- loads this file by itself.
--
-- Sample data (three profiles, three inactive proxies) is for development. It is loaded only where the setting
-- guise.sample_data is 'on'; the development server sets it, and with psql it is
--
--   PGOPTIONS='-c guise.sample_data=on' psql -v ON_ERROR_STOP=1 -f cloud/config/init.sql "$DATABASE_URL"
--
-- Conventions: times are timestamptz; units are part of a column's name (…_ms, …_bytes, …_seconds); the session row is the
-- truth and is moved by one guarded UPDATE; every index says which query it serves.

begin;

create table schema_migrations (
  version integer primary key check (version > 0),
  name text not null,
  applied_at timestamptz not null default now()
);
comment on table schema_migrations is 'Migrations this database has; the highest version is the version of the schema.';

create table instance_secrets (
  name text primary key check (name <> ''),
  secret bytea not null,
  created_at timestamptz not null default now()
);
comment on table instance_secrets is 'Keys the installation made for itself, such as the one that signs session tokens. Shared by all nodes; never leaves the service.';

-- Who may call, and what is saved ------------------------------------------------------------------------------------------

create table api_keys (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  role text not null check (role <> ''),
  origin text not null default 'api' check (origin in ('api', 'environment')),
  key_hash bytea not null unique check (octet_length(key_hash) = 32),
  key_hint text not null default '',
  max_sessions integer check (max_sessions >= 0),
  max_requests_per_minute integer check (max_requests_per_minute > 0),
  created_by_key_id uuid references api_keys on delete set null,
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table api_keys is 'API keys, by hash only: a key is shown once, when it is made.';
comment on column api_keys.origin is 'environment: from the setting API_KEYS, kept in step at each start; api: made over /api/keys.';
comment on column api_keys.key_hash is 'SHA-256 of the secret. Secrets are long and random, so that a slow hash would add nothing.';
comment on column api_keys.key_hint is 'First characters of the secret, by which its owner tells keys apart.';
comment on column api_keys.max_sessions is 'Sessions this key may have alive at once, in the whole cluster; null: no limit of its own.';

create table proxies (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  protocol text not null check (protocol in ('http', 'https', 'socks5')),
  host text not null check (host <> ''),
  port integer not null check (port between 1 and 65535),
  username text,
  password_sealed bytea,
  country text check (country ~ '^[A-Z]{2}$'),
  city text,
  timezone text,
  rotation_group text check (rotation_group <> ''),
  rotation_url text,
  tags text[] not null default '{}',
  notes text not null default '',
  is_active boolean not null default true,
  owner_key_id uuid references api_keys on delete set null,
  last_used_at timestamptz,
  last_checked_at timestamptz,
  last_check_ok boolean,
  last_check_error text,
  last_exit_ip inet,
  last_latency_ms integer check (last_latency_ms >= 0),
  failed_checks_in_a_row integer not null default 0 check (failed_checks_in_a_row >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table proxies is 'Upstream proxies through which sessions leave.';
comment on column proxies.password_sealed is 'The password, encrypted by the service; never returned by the API.';
comment on column proxies.country is 'ISO 3166-1 alpha-2 code of the exit, such as GB.';
comment on column proxies.timezone is 'IANA name of the time zone of the exit, such as Europe/London.';
comment on column proxies.rotation_group is 'Proxies of one group take turns: the one used longest ago is next.';
comment on column proxies.rotation_url is 'Address that makes the provider change the exit IP; may hold a token, so it is never logged.';
comment on column proxies.is_active is 'An inactive proxy is kept but no session is given it.';

create table profiles (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  notes text not null default '',
  fingerprint jsonb not null check (jsonb_typeof(fingerprint) = 'object'),
  tags text[] not null default '{}',
  default_proxy_id uuid references proxies on delete set null,
  owner_key_id uuid references api_keys on delete set null,
  use_count bigint not null default 0,
  last_used_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table profiles is 'Saved identities.';
comment on column profiles.fingerprint is 'What the browser claims to be: system, browser version, client hints, screen, GPU, fonts, locale, time zone, hardware.';
comment on column profiles.use_count is 'Sessions ever started with this profile; kept by update_profile_last_used().';
comment on column profiles.last_used_at is 'When a session with this profile last started or ended; kept by update_profile_last_used().';
comment on column profiles.updated_at is 'When somebody last edited the profile; using it is no edit.';

-- Sessions -----------------------------------------------------------------------------------------------------------------

create table sessions (
  id uuid primary key,
  node_id text not null,
  state text not null check (state in ('INITIALIZING', 'ACTIVE', 'IDLE', 'UNHEALTHY', 'CLOSING', 'CLOSED')),
  close_reason text check (
    close_reason in (
      'requested', 'idle_timeout', 'max_lifetime', 'max_requests', 'memory_limit', 'unhealthy', 'browser_crashed',
      'client_disconnected', 'node_drained', 'node_lost', 'shutdown', 'start_failed'
    )
  ),
  profile_id uuid references profiles on delete set null,
  proxy_id uuid references proxies on delete set null,
  owner_key_id uuid references api_keys on delete set null,
  headless boolean not null,
  stealth_level text not null check (stealth_level in ('none', 'basic', 'advanced', 'maximum')),
  options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  identity jsonb not null default '{}' check (jsonb_typeof(identity) = 'object'),
  cdp_port integer check (cdp_port between 1 and 65535),
  timeout_ms integer not null check (timeout_ms >= 0),
  max_lifetime_ms integer check (max_lifetime_ms >= 0),
  request_count bigint not null default 0 check (request_count >= 0),
  error text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  last_activity_at timestamptz not null default now(),
  closed_at timestamptz,
  constraint sessions_reason_iff_ending check ((close_reason is not null) = (state in ('CLOSING', 'CLOSED'))),
  constraint sessions_closed_at_iff_closed check ((closed_at is not null) = (state = 'CLOSED'))
)
-- Room for heartbeat updates (last_activity_at, request_count) on the same page; neither is indexed, so they touch no index.
with (fillfactor = 80);
comment on table sessions is 'Sessions, live and past. The row is the truth about a session; a move is one UPDATE ... WHERE state = ....';
comment on column sessions.node_id is 'The node that owns the browser.';
comment on column sessions.options is 'Creation options as given, without secrets.';
comment on column sessions.metadata is 'Labels of the client, by which it filters the list.';
comment on column sessions.identity is 'What the browser claims to be, as decided at creation.';
comment on column sessions.cdp_port is 'Port on the owning node that speaks the DevTools protocol; null until there is a browser.';
comment on column sessions.timeout_ms is 'Idle time, in milliseconds, after which the session is closed.';
comment on column sessions.max_lifetime_ms is 'Age, in milliseconds, at which the session is closed even if it is in use; null: never.';
comment on column sessions.request_count is 'REST requests and CDP commands served so far.';
comment on column sessions.error is 'For people: what went wrong, where the session did not end well.';
comment on column sessions.started_at is 'When the session first became ACTIVE; null if it never did.';

create table session_events (
  id bigint generated always as identity primary key,
  session_id uuid not null references sessions on delete cascade,
  type text not null check (type <> ''),
  from_state text,
  to_state text,
  reason text,
  data jsonb not null default '{}' check (jsonb_typeof(data) = 'object'),
  created_at timestamptz not null default now()
);
comment on table session_events is 'History of each session; id orders it and is the Last-Event-ID of the live stream.';

create table session_metrics (
  session_id uuid not null references sessions on delete cascade,
  recorded_at timestamptz not null default now(),
  memory_bytes bigint check (memory_bytes >= 0),
  cpu_ms bigint check (cpu_ms >= 0),
  process_count integer check (process_count >= 0),
  page_count integer check (page_count >= 0),
  request_count bigint check (request_count >= 0),
  received_bytes bigint check (received_bytes >= 0),
  sent_bytes bigint check (sent_bytes >= 0),
  primary key (session_id, recorded_at)
);
comment on table session_metrics is 'Samples of what a session uses, one a health check.';
comment on column session_metrics.memory_bytes is 'Memory of the browser''s whole process tree (PSS) at that moment.';
comment on column session_metrics.cpu_ms is 'Processor time of the process tree since the session began, in milliseconds.';
comment on column session_metrics.received_bytes is 'Traffic from the network since the session began, as metered by the egress proxy.';
comment on column session_metrics.sent_bytes is 'Traffic to the network since the session began, as metered by the egress proxy.';

create table profile_states (
  profile_id uuid primary key references profiles on delete cascade,
  object_key text not null check (object_key <> ''),
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 bytea not null check (octet_length(sha256) = 32),
  saved_by_session_id uuid references sessions on delete set null,
  saved_at timestamptz not null default now()
);
comment on table profile_states is 'Where the storage state (cookies, local storage, IndexedDB) of a profile is kept in the object store.';

-- Automation ---------------------------------------------------------------------------------------------------------------

create table automation_scripts (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name <> ''),
  description text not null default '',
  source text not null,
  argument_schema jsonb not null default '{}' check (jsonb_typeof(argument_schema) = 'object'),
  session_options jsonb not null default '{}' check (jsonb_typeof(session_options) = 'object'),
  timeout_ms integer not null default 60000 check (timeout_ms > 0),
  tags text[] not null default '{}',
  revision integer not null default 1 check (revision > 0),
  is_enabled boolean not null default true,
  owner_key_id uuid references api_keys on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table automation_scripts is 'Reusable automation scripts.';
comment on column automation_scripts.argument_schema is 'JSON Schema of the arguments a run takes.';
comment on column automation_scripts.session_options is 'Creation options of the session a run makes for itself.';
comment on column automation_scripts.revision is 'Counts edits of the source; a run notes the revision it ran.';

create table script_runs (
  id uuid primary key default gen_random_uuid(),
  script_id uuid references automation_scripts on delete set null,
  script_name text not null,
  script_revision integer not null check (script_revision > 0),
  session_id uuid references sessions on delete set null,
  node_id text,
  owner_key_id uuid references api_keys on delete set null,
  state text not null check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED')),
  arguments jsonb not null default '{}',
  result jsonb,
  error text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint script_runs_finished_at_iff_finished check ((finished_at is not null) = (state not in ('QUEUED', 'RUNNING')))
);
comment on table script_runs is 'One row for each time a script ran; outlives the script and the session.';
comment on column script_runs.script_name is 'Name of the script at the time, for when it is gone.';

create table script_run_logs (
  id bigint generated always as identity primary key,
  run_id uuid not null references script_runs on delete cascade,
  level text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  created_at timestamptz not null default now()
);
comment on table script_run_logs is 'Lines a run logged; id orders them.';

create table artifacts (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('screenshot', 'pdf', 'recording', 'download', 'profile_snapshot')),
  session_id uuid references sessions on delete set null,
  profile_id uuid references profiles on delete set null,
  run_id uuid references script_runs on delete set null,
  owner_key_id uuid references api_keys on delete set null,
  file_name text not null check (file_name <> ''),
  content_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 bytea check (octet_length(sha256) = 32),
  object_key text not null unique check (object_key <> ''),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
comment on table artifacts is 'Stored screenshots, PDFs, recordings, downloads and profile snapshots: what they are; the bytes are in the object store.';
comment on column artifacts.object_key is 'Key in the object store. The object is deleted before its row, so that no object is ever forgotten.';
comment on column artifacts.expires_at is 'When the artifact may be deleted; null: kept until somebody deletes it.';

create table audit_logs (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  actor_key_id uuid,
  actor_name text,
  actor_ip inet,
  action text not null check (action <> ''),
  resource_type text,
  resource_id text,
  outcome text not null check (outcome in ('success', 'refused', 'failure')),
  status_code integer check (status_code between 100 and 599),
  request_id text,
  node_id text,
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object')
);
comment on table audit_logs is 'Who did what, when, with which outcome. Append-only: rows are never changed, and leave only through cleanup_old_logs().';
comment on column audit_logs.actor_key_id is 'The API key that acted. No foreign key: the trail outlives the key and must not change with it.';
comment on column audit_logs.action is 'Verb and noun as in the API''s operationId, such as createSession.';
comment on column audit_logs.status_code is 'HTTP status the caller was given.';

-- Indexes ------------------------------------------------------------------------------------------------------------------

-- serves: GET /api/sessions, newest first, keyset pages by (created_at, id)
create index sessions_newest on sessions (created_at desc, id desc);
-- serves: GET /api/sessions?state=
create index sessions_by_state on sessions (state, created_at desc, id desc);
-- serves: GET /api/sessions?nodeId=
create index sessions_by_node on sessions (node_id, created_at desc, id desc);
-- serves: GET /api/sessions?profileId=, profile_usage_stats, and the foreign key when a profile is deleted
create index sessions_by_profile on sessions (profile_id, created_at desc, id desc) where profile_id is not null;
-- serves: GET /api/sessions?metadata.NAME=VALUE (metadata @> …)
create index sessions_metadata on sessions using gin (metadata jsonb_path_ops);
-- serves: reconciliation at start and node_lost: the rows of a node that claim to be alive; active_sessions_summary
create index sessions_live_by_node on sessions (node_id) where state <> 'CLOSED';
-- serves: the quota check of a key: how many of its sessions are alive
create index sessions_live_by_owner on sessions (owner_key_id) where state <> 'CLOSED';
-- serves: deleting a proxy: which sessions leave through it, and the foreign key
create index sessions_by_proxy on sessions (proxy_id) where proxy_id is not null;
-- serves: the foreign key when an API key is deleted
create index sessions_by_owner on sessions (owner_key_id) where owner_key_id is not null;
-- serves: cleanup_old_sessions(), and ended-in-the-last-hour of system_health_metrics
create index sessions_closed_at on sessions (closed_at) where state = 'CLOSED';

-- serves: GET /api/sessions/:id/events, and its live stream resumed after Last-Event-ID
create index session_events_by_session on session_events (session_id, id);
-- serves: cleanup_old_logs() on events; rows arrive in order of time, so a BRIN index of a few kilobytes does
create index session_events_created_at on session_events using brin (created_at) with (pages_per_range = 32);
-- serves: cleanup_old_logs() on samples
create index session_metrics_recorded_at on session_metrics using brin (recorded_at) with (pages_per_range = 32);

-- serves: GET /api/profiles, newest first
create index profiles_newest on profiles (created_at desc, id desc);
-- serves: GET /api/profiles?tag= (tags @> …)
create index profiles_tags on profiles using gin (tags);
-- serves: GET /api/profiles?os=, ?locale=, … (fingerprint @> …)
create index profiles_fingerprint on profiles using gin (fingerprint jsonb_path_ops);
-- serves: GET /api/profiles?name=, by beginning, whatever the case
create index profiles_by_name on profiles (lower(name) text_pattern_ops);
-- serves: the foreign key when a proxy is deleted
create index profiles_by_default_proxy on profiles (default_proxy_id) where default_proxy_id is not null;

-- serves: GET /api/proxies, newest first
create index proxies_newest on proxies (created_at desc, id desc);
-- serves: GET /api/proxies?tag=
create index proxies_tags on proxies using gin (tags);
-- serves: choosing a proxy for a country
create index proxies_active_by_country on proxies (country, last_used_at nulls first) where is_active;
-- serves: rotation: the proxy of a group used longest ago
create index proxies_rotation on proxies (rotation_group, last_used_at nulls first) where is_active;
-- serves: the checker: the active proxy checked longest ago
create index proxies_due_for_check on proxies (last_checked_at nulls first) where is_active;

-- serves: GET /api/scripts?name=, and that a name means one script
create unique index automation_scripts_by_name on automation_scripts (lower(name));
-- serves: GET /api/scripts, newest first
create index automation_scripts_newest on automation_scripts (created_at desc, id desc);
-- serves: GET /api/scripts?tag=
create index automation_scripts_tags on automation_scripts using gin (tags);
-- serves: the runs of a script, newest first, and the foreign key when a script is deleted
create index script_runs_by_script on script_runs (script_id, created_at desc, id desc);
-- serves: the runs of a session, and the foreign key when a session is cleaned up
create index script_runs_by_session on script_runs (session_id) where session_id is not null;
-- serves: reconciliation at start: the runs of a node that claim to be going on
create index script_runs_live_by_node on script_runs (node_id) where state in ('QUEUED', 'RUNNING');
-- serves: cleanup_old_sessions() on finished runs
create index script_runs_finished_at on script_runs (finished_at) where finished_at is not null;
-- serves: the log of a run, in order
create index script_run_logs_by_run on script_run_logs (run_id, id);
-- serves: cleanup_old_logs() on run logs
create index script_run_logs_created_at on script_run_logs using brin (created_at) with (pages_per_range = 32);

-- serves: GET /api/artifacts, newest first
create index artifacts_newest on artifacts (created_at desc, id desc);
-- serves: GET /api/artifacts?kind=
create index artifacts_by_kind on artifacts (kind, created_at desc, id desc);
-- serves: GET /api/artifacts?sessionId=, and the foreign key when a session is cleaned up
create index artifacts_by_session on artifacts (session_id, created_at desc, id desc) where session_id is not null;
-- serves: GET /api/artifacts?profileId=, and the foreign key when a profile is deleted
create index artifacts_by_profile on artifacts (profile_id, created_at desc, id desc) where profile_id is not null;
-- serves: GET /api/artifacts?runId=, and the foreign key when a run is cleaned up
create index artifacts_by_run on artifacts (run_id) where run_id is not null;
-- serves: clean-up of expired artifacts, oldest first
create index artifacts_expires_at on artifacts (expires_at) where expires_at is not null;
-- serves: the foreign key when a session is cleaned up
create index profile_states_by_session on profile_states (saved_by_session_id) where saved_by_session_id is not null;

-- serves: GET /api/keys, and that a name means one key that is still good
create unique index api_keys_unrevoked_by_name on api_keys (name) where revoked_at is null;

-- serves: GET /api/audit?keyId=, newest first
create index audit_logs_by_actor on audit_logs (actor_key_id, id desc);
-- serves: GET /api/audit?action=
create index audit_logs_by_action on audit_logs (action, id desc);
-- serves: GET /api/audit?resourceType=&resourceId=
create index audit_logs_by_resource on audit_logs (resource_type, resource_id, id desc);
-- serves: GET /api/audit?outcome=refused|failure, and refusals of system_health_metrics
create index audit_logs_not_success on audit_logs (outcome, id desc) where outcome <> 'success';
-- serves: GET /api/audit?from=&to=, cleanup_old_logs()
create index audit_logs_created_at on audit_logs using brin (created_at) with (pages_per_range = 32);

-- Functions and triggers ---------------------------------------------------------------------------------------------------

create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end
$$;
comment on function set_updated_at() is 'Trigger: notes when a row was last edited.';

create trigger api_keys_updated_at before update of name, role, max_sessions, max_requests_per_minute, expires_at, revoked_at
  on api_keys for each row when (old.* is distinct from new.*) execute function set_updated_at();
create trigger proxies_updated_at
  before update of name, protocol, host, port, username, password_sealed, country, city, timezone, rotation_group,
    rotation_url, tags, notes, is_active
  on proxies for each row when (old.* is distinct from new.*) execute function set_updated_at();
create trigger profiles_updated_at before update of name, notes, fingerprint, tags, default_proxy_id
  on profiles for each row when (old.* is distinct from new.*) execute function set_updated_at();
create trigger automation_scripts_updated_at before update
  on automation_scripts for each row when (old.* is distinct from new.*) execute function set_updated_at();

create function update_profile_last_used() returns trigger language plpgsql as $$
begin
  update profiles
  set last_used_at = greatest(last_used_at, now()), use_count = use_count + (tg_op = 'INSERT')::integer
  where id = new.profile_id;
  return null;
end
$$;
comment on function update_profile_last_used() is 'Trigger on sessions: notes on the profile that a session with it started or ended.';

create trigger sessions_profile_taken after insert on sessions
  for each row when (new.profile_id is not null) execute function update_profile_last_used();
create trigger sessions_profile_released after update of state on sessions
  for each row when (new.profile_id is not null and new.state = 'CLOSED' and old.state <> 'CLOSED')
  execute function update_profile_last_used();

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('guise.audit_cleanup', true) = 'on' then
    return null;
  end if;
  raise exception 'audit_logs is append-only: % refused', tg_op
    using errcode = 'insufficient_privilege', hint = 'Old entries leave through cleanup_old_logs().';
end
$$;
comment on function refuse_audit_change() is 'Trigger on audit_logs: nothing is changed, and only cleanup_old_logs() deletes. Guards against mistakes, not against the owner of the table.';

create trigger audit_logs_append_only before update or delete or truncate on audit_logs
  for each statement execute function refuse_audit_change();

create function cleanup_old_sessions(retention interval default interval '30 days', batch_size integer default 1000)
returns bigint language plpgsql as $$
declare
  sessions_deleted bigint;
  runs_deleted bigint;
begin
  if retention < interval '0' or batch_size < 1 then
    raise exception 'retention must not be negative and batch_size must be positive'
      using errcode = 'invalid_parameter_value';
  end if;
  delete from sessions where id in (
    select id from sessions
    where state = 'CLOSED' and closed_at < now() - retention
    order by closed_at
    limit batch_size
    for update skip locked
  );
  get diagnostics sessions_deleted = row_count;
  delete from script_runs where id in (
    select id from script_runs
    where finished_at is not null and finished_at < now() - retention
    order by finished_at
    limit batch_size
    for update skip locked
  );
  get diagnostics runs_deleted = row_count;
  return sessions_deleted + runs_deleted;
end
$$;
comment on function cleanup_old_sessions(interval, integer) is
  'Deletes sessions closed longer ago than retention, with their events and samples, and script runs finished as long ago, with their logs. At most batch_size of each a call, so that locks are short: call it until it returns 0. Rows another caller is deleting are skipped. Returns how many sessions and runs were deleted.';

create function cleanup_old_logs(retention interval default interval '90 days', batch_size integer default 5000)
returns table (
  audit_logs_deleted bigint,
  session_events_deleted bigint,
  session_metrics_deleted bigint,
  script_run_logs_deleted bigint
) language plpgsql as $$
begin
  if retention < interval '0' or batch_size < 1 then
    raise exception 'retention must not be negative and batch_size must be positive'
      using errcode = 'invalid_parameter_value';
  end if;
  perform set_config('guise.audit_cleanup', 'on', true);
  delete from audit_logs where id in (
    select id from audit_logs where created_at < now() - retention limit batch_size for update skip locked
  );
  get diagnostics audit_logs_deleted = row_count;
  perform set_config('guise.audit_cleanup', 'off', true);
  delete from session_events where id in (
    select id from session_events where created_at < now() - retention limit batch_size for update skip locked
  );
  get diagnostics session_events_deleted = row_count;
  delete from session_metrics where (session_id, recorded_at) in (
    select session_id, recorded_at from session_metrics
    where recorded_at < now() - retention limit batch_size for update skip locked
  );
  get diagnostics session_metrics_deleted = row_count;
  delete from script_run_logs where id in (
    select id from script_run_logs where created_at < now() - retention limit batch_size for update skip locked
  );
  get diagnostics script_run_logs_deleted = row_count;
  return next;
end
$$;
comment on function cleanup_old_logs(interval, integer) is
  'Deletes audit entries, session events, session samples and run logs older than retention. At most batch_size of each a call, so that locks are short: call it until all four counts are 0. Rows another caller is deleting are skipped.';

-- Views --------------------------------------------------------------------------------------------------------------------

create view active_sessions_summary as
select
  node_id,
  state,
  count(*) as session_count,
  count(*) filter (where not headless) as headful_count,
  count(distinct profile_id) as profile_count,
  sum(request_count)::bigint as request_count,
  min(created_at) as oldest_created_at,
  max(last_activity_at) as last_activity_at,
  extract(epoch from avg(now() - created_at))::double precision as average_age_seconds,
  extract(epoch from max(now() - last_activity_at))::double precision as longest_idle_seconds
from sessions
where state <> 'CLOSED'
group by node_id, state;
comment on view active_sessions_summary is 'Sessions that are alive, by node and state.';

create view profile_usage_stats as
select
  profiles.id as profile_id,
  profiles.name,
  profiles.use_count,
  profiles.last_used_at,
  usage.session_count,
  usage.live_session_count,
  usage.failed_session_count,
  usage.request_count,
  usage.average_duration_seconds
from profiles
cross join lateral (
  select
    count(*) as session_count,
    count(*) filter (where state <> 'CLOSED') as live_session_count,
    count(*) filter (
      where close_reason in ('unhealthy', 'browser_crashed', 'memory_limit', 'node_lost', 'start_failed')
    ) as failed_session_count,
    coalesce(sum(request_count), 0)::bigint as request_count,
    extract(epoch from avg(closed_at - started_at))::double precision as average_duration_seconds
  from sessions
  where sessions.profile_id = profiles.id
) as usage;
comment on view profile_usage_stats is 'How each profile is used. use_count counts for ever, the other figures cover sessions not yet cleaned up.';

create view system_health_metrics as
select
  now() as measured_at,
  live.*,
  recent.*,
  (select count(*) from proxies where is_active) as active_proxy_count,
  (select count(*) from proxies where is_active and failed_checks_in_a_row > 0) as failing_proxy_count,
  (select count(*) from script_runs where state in ('QUEUED', 'RUNNING')) as live_script_run_count,
  (select count(*) from audit_logs where outcome <> 'success' and created_at > now() - interval '1 hour')
    as audit_problems_last_hour,
  (select count(*) from profiles) as profile_count,
  pg_database_size(current_database()) as database_size_bytes
from (
  select
    count(*) as live_session_count,
    count(*) filter (where state = 'INITIALIZING') as initializing_session_count,
    count(*) filter (where state = 'UNHEALTHY') as unhealthy_session_count,
    count(*) filter (where state = 'CLOSING') as closing_session_count,
    count(distinct node_id) as node_count,
    coalesce(sum(sample.memory_bytes), 0)::bigint as memory_bytes
  from sessions
  left join lateral (
    select memory_bytes
    from session_metrics
    where session_metrics.session_id = sessions.id
    order by recorded_at desc
    limit 1
  ) as sample on true
  where state <> 'CLOSED'
) as live
cross join (
  select
    count(*) as sessions_ended_last_hour,
    count(*) filter (where close_reason = 'browser_crashed') as browsers_crashed_last_hour,
    count(*) filter (where close_reason = 'start_failed') as starts_failed_last_hour,
    count(*) filter (where close_reason = 'node_lost') as sessions_lost_last_hour,
    (extract(epoch from percentile_cont(0.95) within group (order by started_at - created_at)) * 1000)::double precision
      as start_p95_ms
  from sessions
  where state = 'CLOSED' and closed_at > now() - interval '1 hour'
) as recent;
comment on view system_health_metrics is 'The whole installation in one row: what is alive now, and what went wrong in the last hour.';

-- Sample data, for development only ----------------------------------------------------------------------------------------

do $sample$
declare
  brands constant jsonb := '[
    {"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": "156"},
    {"brand": "Google Chrome", "version": "156"}]';
  full_versions constant jsonb := '[
    {"brand": "Not:A-Brand", "version": "8.0.0.0"}, {"brand": "Chromium", "version": "156.0.8078.79"},
    {"brand": "Google Chrome", "version": "156.0.8078.79"}]';
  browser constant jsonb := '{"name": "chrome", "majorVersion": 156, "fullVersion": "156.0.8078.79"}';
begin
  if current_setting('guise.sample_data', true) is distinct from 'on' then
    return;
  end if;

  -- The hosts are reserved names that never resolve, and the proxies are inactive: nothing can leave through them.
  insert into proxies (name, protocol, host, port, country, city, timezone, tags, is_active) values
    ('Sample US', 'http', 'us.proxy.invalid', 8080, 'US', 'New York', 'America/New_York', '{sample}', false),
    ('Sample UK', 'https', 'uk.proxy.invalid', 8443, 'GB', 'London', 'Europe/London', '{sample}', false),
    ('Sample DE', 'socks5', 'de.proxy.invalid', 1080, 'DE', 'Berlin', 'Europe/Berlin', '{sample}', false);

  insert into profiles (name, tags, fingerprint) values
    ('Sample Windows', '{sample,desktop,windows}', jsonb_build_object('browser', browser) || jsonb_set(jsonb_set('{
      "os": "windows", "osVersion": "11",
      "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
      "clientHints": {
        "platform": "Windows", "platformVersion": "19.0.0", "architecture": "x86", "bitness": "64", "model": "",
        "mobile": false, "wow64": false, "formFactors": ["Desktop"]
      },
      "navigatorPlatform": "Win32",
      "locale": "en-US", "languages": ["en-US", "en"], "timezone": "America/New_York",
      "screen": {
        "width": 1920, "height": 1080, "availWidth": 1920, "availHeight": 1032, "devicePixelRatio": 1, "colorDepth": 24
      },
      "gpu": {
        "vendor": "Google Inc. (NVIDIA)",
        "renderer": "ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)"
      },
      "hardware": {"cpuCores": 8, "memoryGb": 16, "maxTouchPoints": 0}
    }', '{clientHints,brands}', brands), '{clientHints,fullVersionList}', full_versions)),

    ('Sample macOS', '{sample,desktop,macos}', jsonb_build_object('browser', browser) || jsonb_set(jsonb_set('{
      "os": "macos", "osVersion": "15.5",
      "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
      "clientHints": {
        "platform": "macOS", "platformVersion": "15.5.0", "architecture": "arm", "bitness": "64", "model": "",
        "mobile": false, "wow64": false, "formFactors": ["Desktop"]
      },
      "navigatorPlatform": "MacIntel",
      "locale": "en-GB", "languages": ["en-GB", "en-US", "en"], "timezone": "Europe/London",
      "screen": {
        "width": 1512, "height": 982, "availWidth": 1512, "availHeight": 944, "devicePixelRatio": 2, "colorDepth": 30
      },
      "gpu": {
        "vendor": "Google Inc. (Apple)",
        "renderer": "ANGLE (Apple, ANGLE Metal Renderer: Apple M3, Unspecified Version)"
      },
      "hardware": {"cpuCores": 8, "memoryGb": 16, "maxTouchPoints": 0}
    }', '{clientHints,brands}', brands), '{clientHints,fullVersionList}', full_versions)),

    ('Sample Android', '{sample,mobile,android}', jsonb_build_object('browser', browser) || jsonb_set(jsonb_set('{
      "os": "android", "osVersion": "15",
      "userAgent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
      "clientHints": {
        "platform": "Android", "platformVersion": "15.0.0", "architecture": "", "bitness": "", "model": "Pixel 9",
        "mobile": true, "wow64": false, "formFactors": ["Mobile"]
      },
      "navigatorPlatform": "Linux armv81",
      "locale": "de-DE", "languages": ["de-DE", "de", "en-US", "en"], "timezone": "Europe/Berlin",
      "screen": {
        "width": 412, "height": 923, "availWidth": 412, "availHeight": 923, "devicePixelRatio": 2.625, "colorDepth": 24
      },
      "gpu": {"vendor": "Google Inc. (ARM)", "renderer": "ANGLE (ARM, Mali-G715, OpenGL ES 3.2)"},
      "hardware": {"cpuCores": 8, "memoryGb": 8, "maxTouchPoints": 5}
    }', '{clientHints,brands}', brands), '{clientHints,fullVersionList}', full_versions));
end
$sample$;

insert into schema_migrations (version, name) values (1, 'init');

commit;
