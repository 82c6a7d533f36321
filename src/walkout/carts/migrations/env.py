"""How Alembic runs here: on the connection that opened the ledger, inside its transaction."""

from alembic import context

from walkout.carts.schema import METADATA, VERSION_TABLE

connection = context.config.attributes["connection"]
# A version table of our own lets other parts of Walkout keep their tables in the same database.
context.configure(connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE)
context.run_migrations()
