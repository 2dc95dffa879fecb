-- The nodes of a cluster, as far as it matters who may own sessions. Who is there now is in Redis.
begin;

create table cluster_nodes (
  node_id text primary key check (node_id <> ''),
  epoch bigint not null default 1 check (epoch > 0),
  joined_at timestamptz not null default now(),
  lost_at timestamptz,
  lost_by text,
  check ((lost_at is null) = (lost_by is null))
);

comment on table cluster_nodes is 'Nodes that have joined the cluster and not left it. One that is lost owns no session until it joins anew.';
comment on column cluster_nodes.epoch is 'How often a node of this name has joined.';
comment on column cluster_nodes.lost_at is 'When the others gave it up.';
comment on column cluster_nodes.lost_by is 'The node that did.';

insert into schema_migrations (version, name) values (7, 'cluster');

commit;
