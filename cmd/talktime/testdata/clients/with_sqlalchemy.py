"""SQLAlchemy over psycopg2: the way of Superset, and of pandas.

    with_sqlalchemy.py columns      every column of bi_v1: view, name, type
    with_sqlalchemy.py rows QUERY   the rows, fields apart by tabs, NULL as \\N

PG... of the environment say where.
"""

import datetime
import sys

import sqlalchemy


def text(value):
    if value is None:
        return r"\N"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


engine = sqlalchemy.create_engine("postgresql+psycopg2://")
sys.stdout.reconfigure(encoding="utf-8")
if sys.argv[1] == "columns":
    inspector = sqlalchemy.inspect(engine)
    for view in inspector.get_view_names(schema="bi_v1"):
        for column in inspector.get_columns(view, schema="bi_v1"):
            zoned = " with time zone" if getattr(column["type"], "timezone", False) else ""
            print(view, column["name"], str(column["type"]) + zoned, sep="\t")
else:
    with engine.connect() as connection:
        for row in connection.execute(sqlalchemy.text(sys.argv[2])):
            print(*map(text, row), sep="\t")
