#!/bin/sh
# Makes every secret the stack needs, once, and .env, which names them. What is there already is kept: a secret is changed by
# removing its file and running this again (and, for PostgreSQL, by ALTER ROLE, since the database remembers the old one).
#
#     sh cloud/make-secrets.sh [FOLDER [FILE]]
#
# FOLDER is secrets/, and FILE is .env, beside docker-compose.cloud.yml, unless given.
set -eu
umask 077

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/secrets}
settings=${2:-$root/.env}
mkdir -p "$folder"
chmod 700 "$folder"
folder=$(cd "$folder" && pwd)

random() { # BYTES: as hexadecimal digits
  od -An -vtx1 -N "$1" /dev/urandom | tr -d ' \n'
}

# The folder is closed to all others. The files are not: in a container another user than their owner reads them.
keep() { # NAME: its content from standard input, unless there is one
  if [ -s "$folder/$1" ]; then
    cat >/dev/null
    echo "kept $1"
  else
    cat >"$folder/$1"
    echo "made $1"
  fi
  chmod 444 "$folder/$1"
}

random 24 | keep postgres-password
random 24 | keep redis-password
random 10 | keep s3-access-key
random 24 | keep s3-secret-key
random 32 | keep profile-encryption-key
random 16 | keep grafana-password
printf 'bootstrap:admin:%s' "$(random 24)" | keep api-keys

# What follows from these: made anew each time, so that it cannot disagree with them.
follow() { # NAME
  rm -f "$folder/$1"
  cat >"$folder/$1"
  chmod 444 "$folder/$1"
}
printf 'postgres://guise:%s@postgres:5432/guise' "$(cat "$folder/postgres-password")" | follow database-url
printf 'redis://:%s@redis:6379/0' "$(cat "$folder/redis-password")" | follow redis-url
printf 'requirepass %s\n' "$(cat "$folder/redis-password")" | follow redis.conf

if [ -e "$settings" ]; then
  echo "kept $settings"
else
  cat >"$settings" <<END
GUISE_SECRETS=$folder
S3_ACCESS_KEY_ID=$(cat "$folder/s3-access-key")
S3_SECRET_ACCESS_KEY=$(cat "$folder/s3-secret-key")
END
  echo "made $settings"
fi
echo "The key of the first administrator is the part of $folder/api-keys behind the second colon."
