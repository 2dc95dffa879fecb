-- Ids of events are given out before their transactions commit, so a reader that goes by them alone can pass one that appears
-- later. The transaction is kept too: what is read in its order, up to the oldest one under way, is complete.

begin;

alter table session_events add column transaction_id xid8 not null default pg_current_xact_id();
comment on column session_events.transaction_id is 'The transaction that wrote it: with id, the order in which the events of all sessions are read.';

-- serves: the live feed of all sessions
create index session_events_in_order on session_events (transaction_id, id);

insert into schema_migrations (version, name) values (3, 'order-session-events');

commit;
