#!/bin/sh
# Writes what nginx.conf leaves open to its folder run/, from the environment. The image's entrypoint runs it before nginx; by hand:
#
#     GATEWAY_RUN_DIR=/etc/nginx/run sh render.sh && nginx -t
#
#   GATEWAY_POOL             nodes, as NAME:PORT, separated by spaces; a name may have many addresses    browser-pool:3000
#   GATEWAY_RESOLVE          on: names are looked up again and again (nginx 1.27.3 or newer); off: once, at start         on
#   GATEWAY_RESOLVER         name servers, separated by spaces                                   those of /etc/resolv.conf
#   GATEWAY_LISTEN           port, or ADDRESS:PORT, for HTTP                                                            8080
#   GATEWAY_TLS              on: HTTPS too, and HTTP only sends there                                                    off
#   GATEWAY_TLS_LISTEN       port, or ADDRESS:PORT, for HTTPS                                                           8443
#   GATEWAY_TLS_CERTIFICATE  chain of certificates, PEM                                             /etc/nginx/tls/tls.crt
#   GATEWAY_TLS_KEY          its key, PEM                                                            /etc/nginx/tls/tls.key
#   GATEWAY_TRUSTED_PROXIES  CIDRs of proxies in front, whose X-Forwarded-* are believed                              (none)
#   GATEWAY_INTERNAL         CIDRs that may read /metrics and /status; with ! before it, one that may not       127.0.0.0/8
#   GATEWAY_API_RATE         requests a second of one caller, and how many at once                                        10
#   GATEWAY_API_BURST                                                                                                     20
#   GATEWAY_CREATE_RATE      sessions a second of one caller, and how many at once                                         2
#   GATEWAY_CREATE_BURST                                                                                                   5
#   GATEWAY_ADDRESS_RATE     requests a second of one address, whatever keys they carry, and how many at once            100
#   GATEWAY_ADDRESS_BURST                                                                                                200
#   GATEWAY_WORKERS          worker processes                                                                           auto
set -eu

run=${GATEWAY_RUN_DIR:-/etc/nginx/run}

# Settings become part of a configuration: none may end a directive or open a block.
check() { # NAME VALUE PATTERN
  if printf '%s\n' "$2" | grep -Evqx -- "$3"; then
    echo "$1 is '$2', which is not what it can be (see render.sh)" >&2
    exit 1
  fi
}
switch='on|off'
number='[1-9][0-9]{0,5}'
file='[A-Za-z0-9_./-]+'
listen='([0-9.]+:|\[[0-9a-fA-F:]+\]:)?[0-9]{1,5}'
networks='( *!?[0-9a-fA-F.:]+(/[0-9]{1,3})? *)*'

pool=${GATEWAY_POOL:-browser-pool:3000}
resolve=${GATEWAY_RESOLVE:-on}
resolver=${GATEWAY_RESOLVER:-}
http=${GATEWAY_LISTEN:-8080}
tls=${GATEWAY_TLS:-off}
https=${GATEWAY_TLS_LISTEN:-8443}
certificate=${GATEWAY_TLS_CERTIFICATE:-/etc/nginx/tls/tls.crt}
key=${GATEWAY_TLS_KEY:-/etc/nginx/tls/tls.key}
proxies=${GATEWAY_TRUSTED_PROXIES:-}
internal=${GATEWAY_INTERNAL:-127.0.0.0/8}
api_rate=${GATEWAY_API_RATE:-10}
api_burst=${GATEWAY_API_BURST:-20}
create_rate=${GATEWAY_CREATE_RATE:-2}
create_burst=${GATEWAY_CREATE_BURST:-5}
address_rate=${GATEWAY_ADDRESS_RATE:-100}
address_burst=${GATEWAY_ADDRESS_BURST:-200}
workers=${GATEWAY_WORKERS:-auto}

check GATEWAY_POOL "$pool" '( *[A-Za-z0-9_.-]+:[0-9]{1,5} *)+'
check GATEWAY_RESOLVE "$resolve" "$switch"
check GATEWAY_RESOLVER "$resolver" '( *[][0-9a-fA-F.:]+ *)*'
check GATEWAY_LISTEN "$http" "$listen"
check GATEWAY_TLS "$tls" "$switch"
check GATEWAY_TLS_LISTEN "$https" "$listen"
check GATEWAY_TLS_CERTIFICATE "$certificate" "$file"
check GATEWAY_TLS_KEY "$key" "$file"
check GATEWAY_TRUSTED_PROXIES "$proxies" "$networks"
check GATEWAY_INTERNAL "$internal" "$networks"
check GATEWAY_API_RATE "$api_rate" "$number"
check GATEWAY_API_BURST "$api_burst" "$number"
check GATEWAY_CREATE_RATE "$create_rate" "$number"
check GATEWAY_CREATE_BURST "$create_burst" "$number"
check GATEWAY_ADDRESS_RATE "$address_rate" "$number"
check GATEWAY_ADDRESS_BURST "$address_burst" "$number"
check GATEWAY_WORKERS "$workers" "auto|$number"

mkdir -p "$run"

echo "worker_processes $workers;" >"$run/main.conf"

# The client's address is the last one in X-Forwarded-For that is no trusted proxy's.
{
  echo 'real_ip_header X-Forwarded-For;'
  echo 'real_ip_recursive on;'
  for network in $proxies; do echo "set_real_ip_from $network;"; done
  echo 'geo $realip_remote_addr $is_trusted_proxy {'
  echo '  default 0;'
  for network in $proxies; do echo "  $network 1;"; done
  echo '}'
  echo 'geo $is_internal {'
  echo '  default 0;'
  for network in $internal; do
    case $network in
      !*) echo "  ${network#!} 0;" ;;
      *) echo "  $network 1;" ;;
    esac
  done
  echo '}'
} >"$run/addresses.conf"

cat >"$run/rates.conf" <<END
limit_req_zone \$caller zone=api:16m rate=${api_rate}r/s;
limit_req_zone \$create_caller zone=create:4m rate=${create_rate}r/s;
limit_req_zone \$binary_remote_addr zone=address:8m rate=${address_rate}r/s;
END
address_limit="limit_req zone=address burst=$address_burst nodelay;"
api_limit="limit_req zone=api burst=$api_burst nodelay;"
echo "$address_limit" >"$run/bursts-address.conf"
printf '%s\n' "$api_limit" "$address_limit" >"$run/bursts-api.conf"
printf '%s\n' "limit_req zone=create burst=$create_burst nodelay;" "$api_limit" "$address_limit" >"$run/bursts-create.conf"

# A node that fails twice within two seconds is left alone for two. No longer: requests that time out count as failures too, and no
# client may take a node from all others with its own slow requests.
failures='max_fails=2 fail_timeout=2s'
{
  if [ "$resolve" = on ]; then
    [ -n "$resolver" ] || resolver=$(awk '$1 == "nameserver" { print ($2 ~ /:/) ? "[" $2 "]" : $2 }' /etc/resolv.conf | tr '\n' ' ')
    # Whatever the name server says, two seconds: a node that has come takes part at once, one that has gone is not asked.
    echo "resolver $resolver valid=2s ipv6=off;"
    echo 'resolver_timeout 2s;'
    failures="resolve $failures"
  fi
  echo 'upstream browser-pool {'
  echo '  zone browser-pool 1m;'
  echo '  least_conn;'
  for node in $pool; do echo "  server $node $failures;"; done
  echo '  keepalive 32;'
  # Less than the 72 s after which a node ends a silent connection.
  echo '  keepalive_timeout 60s;'
  echo '}'
} >"$run/upstream.conf"

alive='so_keepalive=60s:20s:4'
if [ "$tls" = off ]; then
  cat >"$run/servers.conf" <<END
server {
  listen $http $alive;
  include nginx/routes.conf;
}
END
else
  cat >"$run/servers.conf" <<END
server {
  listen $http $alive;
  location ~ ^/health(/|\$) {
    access_log off;
    proxy_pass http://browser-pool;
  }
  location / {
    return 308 https://\$host\$request_uri;
  }
}
server {
  listen $https ssl $alive;
  ssl_certificate $certificate;
  ssl_certificate_key $key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off;
  ssl_session_cache shared:tls:4m;
  ssl_session_timeout 1d;
  ssl_session_tickets off;
  add_header Strict-Transport-Security "max-age=31536000" always;
  include nginx/routes.conf;
}
END
fi
