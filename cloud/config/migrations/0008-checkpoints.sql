-- What another node needs to go on with a session when its own is lost.
begin;

create table session_checkpoints (
  session_id uuid primary key references sessions on delete cascade,
  sealed bytea not null,
  saved_at timestamptz not null default now()
);

comment on table session_checkpoints is 'Of live sessions that asked for it: the last checkpoint. Deleted when the session ends.';
comment on column session_checkpoints.sealed is 'Cookies, storage and open pages: JSON, compressed, encrypted.';

-- Replaced every few seconds: what was there before is soon of no use to anybody.
alter table session_checkpoints set (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02);

insert into schema_migrations (version, name) values (8, 'checkpoints');

commit;
