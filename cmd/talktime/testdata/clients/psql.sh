#!/bin/sh
# psql, the client of Postgres itself. PG… of the environment say where.
#
#   psql.sh columns      every column of bi_v1: view, name, type
#   psql.sh rows QUERY   the rows, fields apart by tabs, NULL as \N
set -eu
case $1 in
columns) set -- "" "SELECT table_name, column_name, data_type FROM information_schema.columns
  WHERE table_schema = 'bi_v1' ORDER BY table_name, ordinal_position" ;;
esac
exec psql -X -At -F "$(printf '\t')" -P 'null=\N' -v ON_ERROR_STOP=1 -c "$2"
