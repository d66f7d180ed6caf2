# The rooms, in order: this is the order of assembly, of linking and of deploy().
# No wildcard: a file that is not named here is not in the product.

OBJS = \
	src/crm.o \
	src/core/core.o \
	src/ident/ident.o \
	src/ident/ident_type.o \
	src/ident/ident_address_core.o \
	src/ident/ident_card_core.o \
	src/ident/ident_clean_core.o \
	src/ident/ident_cn_core.o \
	src/ident/ident_core.o \
	src/ident/ident_division_core.o \
	src/ident/ident_fold_core.o \
	src/ident/ident_latin_core.o \
	src/ident/ident_mail_core.o \
	src/ident/ident_name_core.o \
	src/ident/ident_phone_core.o \
	src/ident/ident_township_core.o \
	src/ident/ident_travel_core.o \
	src/code/code.o \
	src/code/code_core.o \
	src/code/code_op.o \
	src/pii/pii_crypto_core.o \
	src/pii/pii_envelope_core.o \
	src/pii/pii_mask_core.o \
	src/pii/pii_value_core.o \
	src/pii/pii_caller.o \
	src/pii/pii_kek.o \
	src/pii/pii_ring.o \
	src/pii/pii_key.o \
	src/pii/pii_settings.o \
	src/pii/pii_seal.o \
	src/pii/pii_dump.o \
	src/pii/pii_io.o \
	src/pii/pii_op.o \
	src/pii/pii_reveal.o \
	src/intake/bulk.o \
	src/intake/write.o \
	src/intake/intake.o \
	src/intake/intake_core.o \
	src/points/points.o \
	src/points/points_read.o \
	src/points/points_post.o \
	src/points/points_store.o \
	src/points/points_chain_core.o \
	src/points/points_ledger_core.o \
	src/points/points_law_core.o \
	src/points/points_text_core.o \
	src/match/match_model.o \
	src/match/match_settings.o \
	src/match/match_source.o \
	src/match/match_page.o \
	src/match/match_run.o \
	src/match/match_tune.o \
	src/match/match_list.o \
	src/match/match_find.o \
	src/match/match_answer.o \
	src/match/match_cn_address_core.o \
	src/match/match_cn_company_core.o \
	src/match/match_cn_id_core.o \
	src/match/match_cn_name_core.o \
	src/match/match_cn_phone_core.o \
	src/match/match_pinyin_core.o \
	src/match/match_scalar.o \
	src/match/match_soft_core.o \
	src/match/match_text_core.o \
	src/match/match_block_core.o \
	src/match/match_cluster_core.o \
	src/match/match_contact_kind_core.o \
	src/match/match_date_kind_core.o \
	src/match/match_engine_core.o \
	src/match/match_model_core.o \
	src/match/match_name_kind_core.o \
	src/match/match_parts_core.o \
	src/match/match_rules_core.o \
	src/match/match_score_core.o \
	src/match/match_suggest_core.o \
	src/match/match_text_kind_core.o \
	src/match/match_thread_core.o \
	src/match/match_train_core.o

# Objects that the extension owns.
ROOM_SQL = \
	src/core/core.sql \
	src/deploy/deploy.sql \
	src/ident/ident.sql \
	src/code/code.sql \
	src/pii/pii.sql \
	src/pii/pii_types.sql \
	src/intake/intake.sql \
	src/intake/import.sql \
	src/view/view.sql \
	src/points/points.sql \
	src/points/points_post.sql \
	src/match/match_scalar.sql \
	src/match/match_model.sql \
	src/match/match_find.sql \
	src/match/match_tune.sql

# Plain tables, policies and views that CALL crm.deploy() makes; FILE.tables.sql
# becomes the procedure crm.deploy_FILE().
ROOM_TABLES = \
	src/core/core.tables.sql \
	src/core/dictionary.tables.sql \
	src/code/code.tables.sql \
	src/pii/pii.tables.sql \
	src/party/party.tables.sql \
	src/code/code_links.tables.sql \
	src/intake/intake.tables.sql \
	src/view/view.tables.sql \
	src/points/points.tables.sql \
	src/match/match_model.tables.sql \
	src/core/comments.tables.sql
