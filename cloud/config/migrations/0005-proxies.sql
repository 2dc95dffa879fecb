-- Proxies that sessions leave through: names resolved by the proxy, where its owner says it is, and where a check found its exit.

begin;

alter table proxies
  drop constraint proxies_protocol_check,
  add constraint proxies_protocol_check check (protocol in ('http', 'https', 'socks5', 'socks5h')),
  add column locale text,
  add column latitude double precision check (latitude between -90 and 90),
  add column longitude double precision check (longitude between -180 and 180),
  add column exit_country text check (exit_country ~ '^[A-Z]{2}$'),
  add column exit_timezone text,
  add column exit_timezone_certain boolean not null default false,
  add column exit_locale text,
  add column exit_latitude double precision check (exit_latitude between -90 and 90),
  add column exit_longitude double precision check (exit_longitude between -180 and 180),
  add column last_connect_ms integer check (last_connect_ms >= 0),
  add constraint proxies_coordinates_are_whole check (
    (latitude is null) = (longitude is null) and (exit_latitude is null) = (exit_longitude is null)
  );

comment on column proxies.protocol is 'socks5: names are resolved by the node; socks5h: by the proxy.';
comment on column proxies.country is 'ISO 3166-1 alpha-2 code of the exit as the owner says, such as GB; null: as the check finds it.';
comment on column proxies.timezone is 'IANA name of the time zone of the exit as the owner says; null: as the check finds it.';
comment on column proxies.locale is 'Language of the people at the exit as the owner says, such as en-GB; null: as the check finds it.';
comment on column proxies.exit_country is 'Of last_exit_ip, by the table of addresses the service has.';
comment on column proxies.exit_timezone is 'Of exit_country: the one most of its people live by.';
comment on column proxies.exit_timezone_certain is 'Whether all clocks of exit_country show the same time.';
comment on column proxies.last_check_error is 'Why the last check failed, by its name in the API, such as proxy_auth.';
comment on column proxies.last_connect_ms is 'Until the last check that succeeded had its connection through the proxy.';
comment on column proxies.last_latency_ms is 'Until the last check that succeeded had its whole answer.';
comment on column proxies.failed_checks_in_a_row is 'Checks and connections of sessions that failed since the last that did not, as far as it was noted.';

-- What a check writes is no edit.
drop trigger proxies_updated_at on proxies;
create trigger proxies_updated_at before update of
  name, protocol, host, port, username, password_sealed, country, city, timezone, locale, latitude, longitude, rotation_group,
  rotation_url, tags, notes, is_active
  on proxies for each row when (old.* is distinct from new.*) execute function set_updated_at();

-- serves: GET /api/proxies?country=, newest first, and choosing a proxy for a country
create index proxies_by_country on proxies ((coalesce(country, exit_country)), created_at desc, id desc);
-- serves: GET /api/proxies?rotationGroup=, newest first, and GET /api/proxies/groups
create index proxies_by_group on proxies (rotation_group, created_at desc, id desc) where rotation_group is not null;

insert into schema_migrations (version, name) values (5, 'proxies');

commit;
