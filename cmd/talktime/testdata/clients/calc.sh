#!/bin/sh
# LibreOffice Calc opens a file and writes the cells of its first sheet as it shows
# them, as CSV beside it.
#
#   calc.sh FILE.csv FOLDER    with semicolons, German, as by a double click in Germany
#   calc.sh FILE.xlsx FOLDER
set -eu
# Separator, quote, UTF-8, first line, no formats, German, quoted cells may be numbers, special ones are found.
case $1 in *.csv) set -- "$@" '--infilter=CSV:59,34,76,1,,1031,false,true' ;; esac
file=$1 folder=$2
shift 2
HOME=$folder soffice --headless "-env:UserInstallation=file://$folder/profile" "$@" \
  --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true' --outdir "$folder" "$file" >&2
