#!/bin/bash
# Whether the service answers at all. Without starting another Node each time, and without a program that the image lacks.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/${PORT:-3000}"
printf 'GET /health/live HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
IFS=' ' read -r _ status _ <&3
[ "$status" = 200 ]
