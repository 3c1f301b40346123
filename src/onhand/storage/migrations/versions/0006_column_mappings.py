"""the columns that headings of files mean, and SKUs as people see them

Invisible characters no longer make a different SKU, so the keys are written again. If two items would then have the same key, the
second keeps its old one and can be renamed by hand.
"""

import sqlalchemy as sa
from alembic import op

from onhand.domain.spelling import as_seen, mended
from onhand.domain.stock import sku_key

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mappings",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("heading", sa.String(length=255), nullable=False),
        sa.Column("column", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("kind", "heading", name=op.f("pk_mappings")),
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return  # no store is as old as this elsewhere, so there are no keys to write again
    for table, text, key, unique in (
        ("items", "sku", "sku_key", True),
        ("suppliers", "name", "name_key", True),
        ("listings", "model", "sku_key", False),
    ):
        rows = connection.execute(
            sa.text(f"SELECT id, {text}, {key} FROM {table} WHERE length(CAST({text} AS BLOB)) > length({text})")
        ).all()
        for row, said, old in rows:
            now = as_seen(said if table == "suppliers" else mended(said)[0])
            wanted = sku_key(now)[:255]
            if (now, wanted) == (said, old) or not wanted:
                continue
            taken = sa.text(f"SELECT 1 FROM {table} WHERE {key} = :key AND id <> :id")
            if unique and wanted != old and connection.execute(taken, {"key": wanted, "id": row}).first():
                continue
            update = sa.text(f"UPDATE {table} SET {text} = :text, {key} = :key WHERE id = :id")
            connection.execute(update, {"text": now, "key": wanted, "id": row})
