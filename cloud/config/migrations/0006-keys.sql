-- Keys with quotas, the tenants they act for, what tenants move in a month, and where what is audited came from.

begin;

alter table api_keys
  add column tenant_key_id uuid references api_keys on delete set null,
  add column priority smallint not null default 0 check (priority between -10 and 10),
  add column max_creates_per_minute integer check (max_creates_per_minute > 0),
  add column max_traffic_bytes_per_month bigint check (max_traffic_bytes_per_month >= 0),
  add constraint api_keys_role_check1 check (role in ('viewer', 'user', 'operator', 'admin'));

comment on column api_keys.tenant_key_id is 'The key whose things this one sees and makes; null: it is its own.';
comment on column api_keys.priority is 'In line for a place; a step is worth ten seconds of waiting.';
comment on column api_keys.max_traffic_bytes_per_month is 'Bytes the sessions of its tenant may move in a calendar month (UTC); null: no limit of its own.';

-- What is noted of a key in passing is no edit.
drop trigger api_keys_updated_at on api_keys;
create trigger api_keys_updated_at before update of
  name, role, key_hash, tenant_key_id, priority, max_sessions, max_requests_per_minute, max_creates_per_minute,
  max_traffic_bytes_per_month, expires_at, revoked_at
  on api_keys for each row when (old.* is distinct from new.*) execute function set_updated_at();

create table key_traffic (
  key_id uuid not null references api_keys on delete cascade,
  month date not null check (month = date_trunc('month', month)),
  bytes bigint not null check (bytes >= 0),
  primary key (key_id, month)
);
comment on table key_traffic is 'Bytes the sessions of a tenant have moved in a calendar month (UTC), both ways; nodes add what they have metered every few seconds.';

alter table audit_logs add column user_agent text;
comment on column audit_logs.user_agent is 'As the client has called itself.';

-- serves: GET /api/keys, newest first
create index api_keys_newest on api_keys (created_at desc, id desc);
-- serves: GET /api/sessions of a tenant, newest first; and the foreign key when an API key is deleted
drop index sessions_by_owner;
create index sessions_by_owner on sessions (owner_key_id, created_at desc, id desc) where owner_key_id is not null;
-- serves: GET /api/profiles of a tenant, newest first; and the foreign key when an API key is deleted
create index profiles_by_owner on profiles (owner_key_id, created_at desc, id desc) where owner_key_id is not null;
-- serves: GET /api/proxies of a tenant, newest first; and the foreign key when an API key is deleted
create index proxies_by_owner on proxies (owner_key_id, created_at desc, id desc) where owner_key_id is not null;

insert into schema_migrations (version, name) values (6, 'keys');

commit;
