"""The record: patients, episodes, documents; accounts with a second factor and one-time links; audit; private calendars"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from okienko_server.storage.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_counter",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_start", Instant(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_counter")),
    )
    with op.batch_alter_table("rate_counter") as batch_op:
        batch_op.create_index(batch_op.f("ix_rate_counter_window_start"), ["window_start"], unique=False)
    op.create_table(
        "audit",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_audit_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "number", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit") as batch_op:
        batch_op.create_index("ix_audit_object", ["clinic_id", "object_kind", "object_id"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_audit_head_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "patient",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("surname_key", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("guardian_first_name", sa.Text(), nullable=False),
        sa.Column("guardian_last_name", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.clinic_id"], name=op.f("fk_patient_clinic")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_patient")),
    )
    with op.batch_alter_table("patient") as batch_op:
        batch_op.create_index("ix_patient_phone", ["clinic_id", "phone"], unique=False)
        batch_op.create_index("ix_patient_surname", ["clinic_id", "surname_key"], unique=False)
    op.create_table(
        "calendar_feed",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_calendar_feed_practitioner"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "token_sha256", name=op.f("pk_calendar_feed")),
    )
    op.create_table(
        "episode",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"], ["patient.clinic_id", "patient.id"], name=op.f("fk_episode_patient")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_episode_practitioner"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_episode")),
    )
    with op.batch_alter_table("episode") as batch_op:
        batch_op.create_index("ix_episode_patient", ["clinic_id", "patient_id"], unique=False)
    op.create_table(
        "encounter",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("episode_id", sa.Text(), nullable=False),
        sa.Column("practitioner_id", sa.Text(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["appointment.clinic_id", "appointment.id"],
            name=op.f("fk_encounter_appointment"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "episode_id"], ["episode.clinic_id", "episode.id"], name=op.f("fk_encounter_episode")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"], ["patient.clinic_id", "patient.id"], name=op.f("fk_encounter_patient")
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "practitioner_id"],
            ["practitioner.clinic_id", "practitioner.id"],
            name=op.f("fk_encounter_practitioner"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "appointment_id", name=op.f("pk_encounter")),
    )
    with op.batch_alter_table("encounter") as batch_op:
        batch_op.create_index("ix_encounter_episode", ["clinic_id", "episode_id"], unique=False)
        batch_op.create_index("ix_encounter_patient", ["clinic_id", "patient_id"], unique=False)
        batch_op.create_index("ix_encounter_practitioner", ["clinic_id", "practitioner_id"], unique=False)
    op.create_table(
        "one_time_link",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "staff_id"],
            ["staff.clinic_id", "staff.id"],
            name=op.f("fk_one_time_link_staff"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("clinic_id", "token_sha256", name=op.f("pk_one_time_link")),
    )
    op.create_table(
        "document_draft",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("based_on", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["encounter.clinic_id", "encounter.appointment_id"],
            name=op.f("fk_document_draft_encounter"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "staff_id"], ["staff.clinic_id", "staff.id"], name=op.f("fk_document_draft_staff")
        ),
        sa.PrimaryKeyConstraint("clinic_id", "appointment_id", "staff_id", name=op.f("pk_document_draft")),
    )
    op.create_table(
        "document_version",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "appointment_id"],
            ["encounter.clinic_id", "encounter.appointment_id"],
            name=op.f("fk_document_version_encounter"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "author_id"], ["staff.clinic_id", "staff.id"], name=op.f("fk_document_version_staff")
        ),
        sa.PrimaryKeyConstraint("clinic_id", "appointment_id", "number", name=op.f("pk_document_version")),
    )
    with op.batch_alter_table("appointment") as batch_op:
        batch_op.create_index("ix_appointment_changed", ["clinic_id", "changed_at"], unique=False)
        batch_op.create_index(
            "ix_appointment_pending",
            ["pending_at"],
            unique=False,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.add_column(sa.Column("answer_minutes", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("staff") as batch_op:
        batch_op.add_column(sa.Column("closed_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("totp_nonce", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("totp_step", sa.BigInteger(), nullable=True))
        batch_op.create_index("uq_staff_email", ["clinic_id", "email"], unique=True)
    with op.batch_alter_table("staff_session") as batch_op:
        batch_op.add_column(sa.Column("agent", sa.Text(), nullable=True))
        batch_op.create_index("ix_staff_session_staff", ["clinic_id", "staff_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("staff_session") as batch_op:
        batch_op.drop_index("ix_staff_session_staff")
        batch_op.drop_column("agent")
    with op.batch_alter_table("staff") as batch_op:
        batch_op.drop_index("uq_staff_email")
        batch_op.drop_column("totp_step")
        batch_op.drop_column("totp_nonce")
        batch_op.drop_column("closed_at")
    with op.batch_alter_table("clinic") as batch_op:
        batch_op.drop_column("answer_minutes")
    with op.batch_alter_table("appointment") as batch_op:
        batch_op.drop_index("ix_appointment_changed")
        batch_op.drop_index("ix_appointment_pending")
    op.drop_table("document_version")
    op.drop_table("document_draft")
    op.drop_table("one_time_link")
    with op.batch_alter_table("encounter") as batch_op:
        batch_op.drop_index("ix_encounter_practitioner")
        batch_op.drop_index("ix_encounter_patient")
        batch_op.drop_index("ix_encounter_episode")
    op.drop_table("encounter")
    with op.batch_alter_table("episode") as batch_op:
        batch_op.drop_index("ix_episode_patient")
    op.drop_table("episode")
    op.drop_table("calendar_feed")
    with op.batch_alter_table("patient") as batch_op:
        batch_op.drop_index("ix_patient_surname")
        batch_op.drop_index("ix_patient_phone")
    op.drop_table("patient")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_index("ix_audit_object")
    op.drop_table("audit")
    with op.batch_alter_table("rate_counter") as batch_op:
        batch_op.drop_index(batch_op.f("ix_rate_counter_window_start"))
    op.drop_table("rate_counter")
