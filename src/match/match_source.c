/*
 * match_source.c: a table, any table, as rows of texts.
 *
 * One SELECT runs as its caller would run it, so that rights and row security
 * are the caller's; its rows come straight from the executor.  Values of the
 * personal-data types are opened here, in the backend's memory, for stewards
 * alone; everything else is read as its text.
 */
#include "match_room.h"

#include <openssl/crypto.h>

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "pii/pii.h"

/* What the rows of a SELECT are turned into on their way. */
typedef struct Receiver
{
	DestReceiver pub;
	const CrmMatchPlan *plan;
	CrmMatchRow row;
	void	   *context;
	MemoryContext per_row;
	CrmPiiType	personal[CRM_MATCH_COLUMN_MAX];
	CrmMatchText text[CRM_MATCH_COLUMN_MAX];
	StringInfoData id;
	char	   *opened;			/* plain text of personal values, wiped */
	uint64		rows;
} Receiver;

/* -- which relation, and whether it may be read ----------------------------------- */

char *
crm_match_source_name(Oid source)
{
	char	   *name = get_rel_name(source);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with number %u", source)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)), name);
}

/* Raises 42P01, in the server's words, when the table is gone. */
Oid
crm_match_source_find(const char *name)
{
	return RangeVarGetRelid(makeRangeVarFromNameList(CRM_QUALIFIED_NAME(name)), AccessShareLock, false);
}

static void
require_relation_kind(Oid source)
{
	switch (get_rel_relkind(source))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s is not a table or view", crm_match_source_name(source))));
	}
}

static void
require_columns(Oid source, const CrmMatchPlan *plan)
{
	StringInfoData missing;

	initStringInfo(&missing);
	for (int i = 0; i < plan->settings.column_count + plan->id_count; i++)
	{
		const char *name = i < plan->id_count ? plan->id[i] : plan->column[i - plan->id_count];

		if (get_attnum(source, name) <= 0)
			appendStringInfo(&missing, "%s%s", missing.len == 0 ? "" : ", ", quote_identifier(name));
	}
	if (missing.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s lacks columns of the matching model", crm_match_source_name(source)),
				 errdetail("Missing: %s.", missing.data),
				 errhint("Change the model with crm.match_model_alter(), or the table back.")));
}

static bool
may_select(Oid source, const char *column)
{
	return pg_class_aclcheck(source, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(source, get_attnum(source, column), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static void
require_select(Oid source, const CrmMatchPlan *plan)
{
	AclResult	schema = CRM_SCHEMA_ACLCHECK(get_rel_namespace(source), GetUserId(), ACL_USAGE);

	if (schema != ACLCHECK_OK)
		aclcheck_error(schema, OBJECT_SCHEMA, get_namespace_name(get_rel_namespace(source)));
	for (int i = 0; i < plan->settings.column_count + plan->id_count; i++)
		if (!may_select(source, i < plan->id_count ? plan->id[i] : plan->column[i - plan->id_count]))
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(source)), get_rel_name(source));
}

/*
 * What a run found is what its caller could see.  Where another one may see
 * less, by row security or through a view, he may not see it through the model.
 */
static void
require_same_eyes(Oid source, Oid model_owner)
{
	if (!OidIsValid(model_owner) || superuser() || has_privs_of_role(GetUserId(), model_owner))
		return;
	if (check_enable_rls(source, InvalidOid, true) != RLS_ENABLED && get_rel_relkind(source) != RELKIND_VIEW)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for a matching model over rows of which not everybody sees all"),
			 errhint("Only its owner, and who has the rights of that role, may use it; make one of your own.")));
}

static CrmPiiType
column_personal(Oid source, const char *name)
{
	AttrNumber	number = get_attnum(source, name);

	return number <= 0 ? CRM_PII_TYPE_END : crm_pii_type_of(getBaseType(get_atttype(source, number)));
}

bool
crm_match_source_personal(Oid source, const CrmMatchPlan *plan)
{
	for (int i = 0; i < plan->settings.column_count; i++)
		if (column_personal(source, plan->column[i]) != CRM_PII_TYPE_END)
			return true;
	return false;
}

static void
refuse_personal_id(Oid source, const CrmMatchPlan *plan)
{
	for (int i = 0; i < plan->id_count; i++)
		if (column_personal(source, plan->id[i]) != CRM_PII_TYPE_END)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("column \"%s\" cannot name records", plan->id[i]),
					 errdetail("Its values are personal data, and the names of records are shown."),
					 errhint("Name another unique column in unique_id_column_name.")));
}

/* Everything that must hold before the source is read or its results are shown. */
void
crm_match_source_require(Oid source, const CrmMatchPlan *plan, Oid model_owner)
{
	require_relation_kind(source);
	require_columns(source, plan);
	require_select(source, plan);
	require_same_eyes(source, model_owner);
	refuse_personal_id(source, plan);
	if (crm_match_source_personal(source, plan))
		crm_pii_require_steward();
}

/* -- rows ---------------------------------------------------------------------------- */

/* The kinds speak UTF-8 whatever the database does. */
static void
set_text(CrmMatchText *text, char *data, size_t length)
{
	if (length > CRM_MATCH_TEXT_MAX)
		length = pg_mbcliplen(data, (int) Min(length, CRM_MATCH_TEXT_MAX + 16), CRM_MATCH_TEXT_MAX);
	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
	{
		char	   *converted = pg_server_to_any(data, (int) length, PG_UTF8);

		if (converted != data)
		{
			data = converted;
			length = strlen(converted);
		}
	}
	text->text = data;
	text->length = length;
}

/* A text however it is stored; of a long one only its beginning is fetched. */
static struct varlena *
beginning(Datum value)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);

	if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored))
		return pg_detoast_datum_slice(stored, 0, CRM_MATCH_TEXT_MAX + 16);
	return stored;
}

static void
open_personal(Receiver *r, int column, Datum value, size_t *used)
{
	size_t		length;

	/* Never short: the buffer holds the longest text of each column. */
	crm_pii_open((struct varlena *) DatumGetPointer(value), r->personal[column],
				 r->opened + *used, CRM_PII_TEXT_MAX + 1, &length);
	set_text(&r->text[column], r->opened + *used, length);
	*used += length + 1;
}

static void
take_columns(Receiver *r, TupleTableSlot *slot)
{
	const CrmMatchPlan *plan = r->plan;
	size_t		used = 0;

	for (int i = 0; i < plan->settings.column_count; i++)
	{
		int			at = plan->id_count + i;

		if (slot->tts_isnull[at])
			r->text[i] = (CrmMatchText) {NULL, 0};
		else if (r->personal[i] != CRM_PII_TYPE_END)
			open_personal(r, i, slot->tts_values[at], &used);
		else
		{
			struct varlena *text = beginning(slot->tts_values[at]);

			set_text(&r->text[i], VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
		}
	}
}

static void
take_id(Receiver *r, TupleTableSlot *slot)
{
	resetStringInfo(&r->id);
	if (r->plan->id_count == 0)
		appendStringInfo(&r->id, UINT64_FORMAT, r->rows);
	for (int i = 0; i < r->plan->id_count; i++)
	{
		struct varlena *text;

		if (slot->tts_isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a record of the matching model has no id"),
					 errdetail("Column \"%s\" is null.", r->plan->id[i]),
					 errhint("Name a column without nulls in unique_id_column_name, or leave it out: rows are then numbered.")));
		text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(slot->tts_values[i]));
		if (i > 0)
			appendStringInfoChar(&r->id, ',');
		appendBinaryStringInfo(&r->id, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
	}
	if (r->id.len > CRM_MATCH_TEXT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an id of the matching model is longer than %d bytes", CRM_MATCH_TEXT_MAX)));
}

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *r = (Receiver *) self;
	MemoryContext before = MemoryContextSwitchTo(r->per_row);
	bool		more;

	slot_getallattrs(slot);
	r->rows++;
	take_id(r, slot);
	take_columns(r, slot);
	MemoryContextSwitchTo(before);
	more = r->row(r->context, r->id.data, r->id.len, r->text);
	MemoryContextReset(r->per_row);
	return more;
}

static void
begin_receive(DestReceiver *self, int operation, TupleDesc columns)
{
}

static void
end_receive(DestReceiver *self)
{
}

static void
append_column(StringInfo query, Oid source, const char *name, bool is_id)
{
	Oid			type = getBaseType(get_atttype(source, get_attnum(source, name)));
	const char *quoted = quote_identifier(name);

	appendStringInfo(query, "%ss.%s", query->len > 7 ? ", " : "", quoted);
	/* What is a text already needs no conversion; what is personal gives none. */
	if (type != TEXTOID && type != VARCHAROID && (is_id || crm_pii_type_of(type) == CRM_PII_TYPE_END))
		appendStringInfoString(query, "::pg_catalog.text");
}

static char *
source_query(Oid source, const CrmMatchPlan *plan, const char *tail)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < plan->id_count; i++)
		append_column(&query, source, plan->id[i], true);
	for (int i = 0; i < plan->settings.column_count; i++)
		append_column(&query, source, plan->column[i], false);
	appendStringInfo(&query, " FROM %s s %s", crm_match_source_name(source), tail);
	return query.data;
}

/* One way to write dates and numbers, one order of rows, whatever the session likes. */
static int
fix_session(void)
{
	static const char *const fixed[][2] = {
		{"datestyle", "ISO"}, {"intervalstyle", "iso_8601"}, {"extra_float_digits", "1"},
		{"bytea_output", "hex"}, {"synchronize_seqscans", "off"},
		{"max_parallel_workers_per_gather", "0"}, {"jit", "off"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(fixed); i++)
		(void) set_config_option(fixed[i][0], fixed[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Hand every row to the callback; needs SPI connected.  Number of rows. */
uint64
crm_match_source_read(Oid source, const CrmMatchPlan *plan, const char *tail, CrmMatchRow row, void *context)
{
	SPIExecuteOptions options = {0};
	Receiver	r = {.plan = plan, .row = row, .context = context};
	int			level = fix_session();
	int			outcome;

	r.pub.receiveSlot = receive;
	r.pub.rStartup = begin_receive;
	r.pub.rShutdown = end_receive;
	r.pub.rDestroy = end_receive;
	r.pub.mydest = DestNone;
	r.per_row = AllocSetContextCreate(CurrentMemoryContext, "crm match row", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&r.id);
	r.opened = palloc((size_t) CRM_MATCH_COLUMN_MAX * (CRM_PII_TEXT_MAX + 1));
	for (int i = 0; i < plan->settings.column_count; i++)
		r.personal[i] = column_personal(source, plan->column[i]);
	options.dest = (DestReceiver *) &r;
	outcome = SPI_execute_extended(source_query(source, plan, tail), &options);
	OPENSSL_cleanse(r.opened, (size_t) CRM_MATCH_COLUMN_MAX * (CRM_PII_TEXT_MAX + 1));
	MemoryContextDelete(r.per_row);
	AtEOXact_GUC(true, level);
	if (outcome < 0)
		elog(ERROR, "crm: reading a source: %s", SPI_result_code_string(outcome));
	return r.rows;
}

/* -- what the engine refuses ------------------------------------------------------------ */

void
crm_match_fault_raise(const CrmMatchFault *fault)
{
	int			code = ERRCODE_INVALID_PARAMETER_VALUE;

	/* The poll that stopped the engine knows the reason better. */
	if (fault->code == CRM_MATCH_CANCELED)
		CHECK_FOR_INTERRUPTS();
	switch (fault->code)
	{
		case CRM_MATCH_NO_MEMORY:
		case CRM_MATCH_THREAD:
			code = ERRCODE_OUT_OF_MEMORY;
			break;
		case CRM_MATCH_CANCELED:
			code = ERRCODE_QUERY_CANCELED;
			break;
		case CRM_MATCH_TOO_MANY:
			code = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			break;
		case CRM_MATCH_FORM:
			code = ERRCODE_DATA_CORRUPTED;
			break;
		case CRM_MATCH_ORDER:
			code = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			break;
		default:
			break;
	}
	ereport(ERROR,
			(errcode(code),
			 errmsg("matching stopped: %s", crm_match_reason(fault->code)),
			 fault->detail[0] != '\0' ? errdetail("%s", fault->detail) : 0));
}

/* -- the owner's tables ------------------------------------------------------------------ */

void
crm_match_owner_begin(CrmMatchOwner *owner)
{
	owner->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, crm, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	GetUserIdAndSecContext(&owner->user, &owner->security);
	SetUserIdAndSecContext(get_role_oid("crm_owner", false), owner->security | SECURITY_LOCAL_USERID_CHANGE);
}

void
crm_match_owner_end(const CrmMatchOwner *owner)
{
	SetUserIdAndSecContext(owner->user, owner->security);
	AtEOXact_GUC(true, owner->guc_level);
}
