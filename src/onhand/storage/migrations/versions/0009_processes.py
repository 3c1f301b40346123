"""processes that share a store on a server, a lease for each duty, and what they have to remember together

The row ``store`` of the leases keeps the writers apart, as before; its epoch now counts the commits. A store in a file has these tables
too, and does not use them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("drives", sa.Boolean(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_processes")),
    )
    op.drop_table("leases")
    leases = op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("hints", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.bulk_insert(leases, [{"name": "store", "holder": "", "epoch": 0}])
    op.create_table(
        "guesses",
        sa.Column("guesser", sa.String(length=64), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guesser", name=op.f("pk_guesses")),
    )
    op.create_index("ix_guesses_at", "guesses", ["at"])
    op.create_table(
        "uploads",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_uploads")),
    )
    op.add_column("tasks", sa.Column("holder", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("caller", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("tasks", sa.Column("stopping", sa.Boolean(), nullable=False, server_default=sa.false()))
