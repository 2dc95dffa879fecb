-- Limits of a session beside its times, and what happens at them.

begin;

alter table sessions
  add column max_requests bigint check (max_requests > 0),
  add column memory_limit_bytes bigint check (memory_limit_bytes > 0),
  add column recycle text not null default 'close' check (recycle in ('close', 'restart'));

comment on column sessions.max_requests is 'REST requests and CDP commands after which the session is recycled; null: never.';
comment on column sessions.memory_limit_bytes is 'Memory (PSS of the browser''s process tree) above which the session is recycled; null: never.';
comment on column sessions.recycle is 'What happens at either limit: the session is closed, or its browser is started anew.';
comment on column session_events.data is 'Details of the event, by its type.';

insert into schema_migrations (version, name) values (2, 'session-limits');

commit;
