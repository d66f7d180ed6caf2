/*
 * score_card.c: score models as they are applied.  The rows of a version are read
 * once for each backend and compiled; triggers on the tables say when they changed.
 */
#include "score_card.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

uint64		crm_card_generation = 1;

typedef struct Cached
{
	char		name[CRM_MODEL_NAME];
	uint64		generation;
	MemoryContext context;
	CrmCardEntry *entry;
} Cached;

static HTAB *cache;

/* The tables of which the cards are made. */
static Oid	sources[3];
static const char *const source_name[] = {"score_model", "score_characteristic", "score_bin"};

/* -- faults: each message in one place ------------------------------------------------- */

static void
report_unknown(const char *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("score model \"%s\" does not exist", model),
			 errhint("crm.score_model lists the models; a version is named like \"%s\".", "name@3")));
}

static void
report_fault(const CrmCardEntry *entry, CrmCardFault fault, const char *characteristic)
{
	if (fault == CRM_CARD_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory for a score model")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("score model \"%s\" version %d cannot be applied", entry->model, entry->version),
			 characteristic != NULL ?
			 errdetail("Characteristic \"%s\": %s", characteristic, crm_card_reason(fault)) :
			 errdetail("%s", crm_card_reason(fault)),
			 errhint("Correct the characteristics and bins of the draft.")));
}

static void
check(const CrmCardEntry *entry, CrmCardFault fault, const char *characteristic)
{
	if (unlikely(fault != CRM_CARD_OK))
		report_fault(entry, fault, characteristic);
}

/* -- from rows to a card ------------------------------------------------------------------ */

static void *
card_alloc(void *where, size_t size)
{
	return MemoryContextAlloc((MemoryContext) where, size);
}

static void
query(const char *sql, int count, Oid *types, Datum *values, const char *nulls)
{
	int			result = SPI_execute_with_args(sql, count, types, values, nulls, true, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

static Datum
field(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* Of a column that is never null. */
static Datum
sure_field(uint64 row, int column)
{
	bool		isnull;

	return field(row, column, &isnull);
}

static char *
text_field(MemoryContext context, uint64 row, int column)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value == NULL ? NULL : MemoryContextStrdup(context, value);
}

static double
end_field(uint64 row, int column, double none)
{
	bool		isnull;
	Datum		value = field(row, column, &isnull);

	return isnull || DatumGetFloat8(value) == none ? NAN : DatumGetFloat8(value);
}

/* The code of a reason as an element of a text array, with the padding behind it. */
static struct varlena *
reason_piece(MemoryContext context, const char *code)
{
	size_t		size = VARHDRSZ + strlen(code);
	struct varlena *piece = MemoryContextAllocZero(context, INTALIGN(size));

	SET_VARSIZE(piece, size);
	memcpy(VARDATA(piece), code, size - VARHDRSZ);
	return piece;
}

static void
read_characteristics(CrmCardEntry *entry, MemoryContext context, char **label, int32 base, Datum *key)
{
	query("SELECT c.characteristic, c.input, c.kind OPERATOR(pg_catalog.=) 'category', c.weight::int, c.reference_points,"
		  " (SELECT pg_catalog.count(*)::int FROM crm_data.score_bin b WHERE b.model OPERATOR(pg_catalog.=) c.model"
		  " AND b.version OPERATOR(pg_catalog.=) c.version AND b.characteristic OPERATOR(pg_catalog.=) c.characteristic)"
		  " FROM crm_data.score_characteristic c WHERE c.model OPERATOR(pg_catalog.=) $1 AND c.version OPERATOR(pg_catalog.=) $2"
		  " ORDER BY c.position",
		  2, (Oid[]) {TEXTOID, INT4OID}, key, NULL);
	check(entry, crm_card_begin(&entry->card, (int32) SPI_processed, base, card_alloc, context), NULL);
	entry->input = MemoryContextAllocZero(context, sizeof(char *) * SPI_processed);
	entry->reason = MemoryContextAllocZero(context, sizeof(struct varlena **) * SPI_processed);
	for (int i = 0; i < entry->card.count; i++)
	{
		bool		isnull;
		int32		reference = DatumGetInt32(field(i, 5, &isnull));
		int32		bins = DatumGetInt32(sure_field(i, 6));

		label[i] = text_field(context, i, 1);
		entry->input[i] = text_field(context, i, 2);
		check(entry, crm_card_characteristic(&entry->card, i, DatumGetBool(sure_field(i, 3)),
											 DatumGetInt32(sure_field(i, 4)), isnull ? NULL : &reference, bins), label[i]);
		entry->reason[i] = MemoryContextAllocZero(context, sizeof(struct varlena *) * bins);
	}
}

static void
read_values(CrmCardEntry *entry, MemoryContext context, int32 at, const char *label, ArrayType *members)
{
	Datum	   *element;
	bool	   *isnull;
	int			count;

	deconstruct_array(members, TEXTOID, -1, false, TYPALIGN_INT, &element, &isnull, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *value;

		if (isnull[i])
			check(entry, CRM_CARD_KIND, label);
		value = MemoryContextStrdup(context, TextDatumGetCString(element[i]));
		check(entry, crm_card_value(&entry->card, at, value, strlen(value)), label);
	}
}

static CrmBinKind
bin_kind(const char *kind)
{
	return strcmp(kind, "range") == 0 ? CRM_BIN_RANGE : strcmp(kind, "values") == 0 ? CRM_BIN_VALUES :
		strcmp(kind, "missing") == 0 ? CRM_BIN_MISSING : CRM_BIN_OTHER;
}

static void
read_bins(CrmCardEntry *entry, MemoryContext context, char **label, Datum *key)
{
	query("SELECT (pg_catalog.dense_rank() OVER (ORDER BY c.position))::int, b.kind, b.lower, b.upper, b.points, b.members,"
		  " COALESCE(b.reason_code, c.reason_code, c.characteristic)"
		  " FROM crm_data.score_characteristic c JOIN crm_data.score_bin b ON b.model OPERATOR(pg_catalog.=) c.model"
		  " AND b.version OPERATOR(pg_catalog.=) c.version AND b.characteristic OPERATOR(pg_catalog.=) c.characteristic"
		  " WHERE c.model OPERATOR(pg_catalog.=) $1 AND c.version OPERATOR(pg_catalog.=) $2 ORDER BY c.position, b.bin",
		  2, (Oid[]) {TEXTOID, INT4OID}, key, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		bool		isnull;
		int32		at = DatumGetInt32(sure_field(row, 1)) - 1;
		CrmBinKind	kind = bin_kind(SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 2));
		Datum		members = field(row, 6, &isnull);
		int32		bin = entry->card.item[at].bin_count;

		check(entry, crm_card_bin(&entry->card, at, kind, end_field(row, 3, -INFINITY), end_field(row, 4, INFINITY),
								  DatumGetInt32(sure_field(row, 5))), label[at]);
		entry->reason[at][bin] = reason_piece(context, SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 7));
		if (kind == CRM_BIN_VALUES && !isnull)
			read_values(entry, context, at, label[at], DatumGetArrayTypeP(members));
	}
}

/* Separates "name@3"; 0 when no version is named. */
static int32
named_version(const char *name, char *model)
{
	const char *at = strrchr(name, '@');

	if (at == NULL || at[1] < '1' || at[1] > '9' || strspn(at + 1, "0123456789") != strlen(at + 1) || strlen(at + 1) > 9)
	{
		strcpy(model, name);
		return 0;
	}
	memcpy(model, name, at - name);
	model[at - name] = '\0';
	return atoi(at + 1);
}

static CrmCardEntry *
compile(const char *name, MemoryContext context)
{
	CrmCardEntry *entry = MemoryContextAllocZero(context, sizeof(CrmCardEntry));
	char	   *label[CRM_CARD_CHARACTERISTICS];
	char		model[CRM_MODEL_NAME];
	int32		version = named_version(name, model);
	Datum		key[2] = {CStringGetTextDatum(model), Int32GetDatum(version)};
	int32		base;
	int32		at = 0;

	query("SELECT m.version, m.base_points FROM crm_data.score_model m WHERE m.model OPERATOR(pg_catalog.=) $1"
		  " AND CASE WHEN $2 OPERATOR(pg_catalog.>) 0 THEN m.version OPERATOR(pg_catalog.=) $2 ELSE m.state OPERATOR(pg_catalog.<>) 'retired' END"
		  " ORDER BY m.state OPERATOR(pg_catalog.=) 'active' DESC, m.version DESC LIMIT 1",
		  2, (Oid[]) {TEXTOID, INT4OID}, key, NULL);
	if (SPI_processed == 0)
		report_unknown(name);
	entry->model = MemoryContextStrdup(context, model);
	entry->version = DatumGetInt32(sure_field(0, 1));
	base = DatumGetInt32(sure_field(0, 2));
	key[1] = Int32GetDatum(entry->version);
	read_characteristics(entry, context, label, base, key);
	read_bins(entry, context, label, key);
	check(entry, crm_card_seal(&entry->card, &at), label[at]);
	return entry;
}

/*
 * The rows are the owner's, whoever scores; and they are read as they are now, not
 * as this transaction saw them at its start, since the card outlives it.
 */
static CrmCardEntry *
compile_as_owner(const char *name, MemoryContext context)
{
	CrmCardEntry *entry;
	Oid			user;
	int			security;
	Oid			schema = get_namespace_oid("crm_data", true);

	for (size_t i = 0; i < lengthof(sources); i++)
		sources[i] = OidIsValid(schema) ? get_relname_relid(source_name[i], schema) : InvalidOid;
	if (!OidIsValid(sources[0]))
		report_unknown(name);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(get_role_oid("crm_owner", false), security | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	/* Of now; the kind that also parallel workers may take. */
	PushActiveSnapshot(GetCatalogSnapshot(sources[0]));
	entry = compile(name, context);
	PopActiveSnapshot();
	SPI_finish();
	SetUserIdAndSecContext(user, security);
	return entry;
}

/* -- the cache -------------------------------------------------------------------------------- */

static void
forget_cards(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == sources[0] || relation == sources[1] || relation == sources[2])
		crm_card_generation++;
}

void
crm_score_init(void)
{
	CacheRegisterRelcacheCallback(forget_cards, (Datum) 0);
}

static void
make_cache(void)
{
	HASHCTL		control = {.keysize = CRM_MODEL_NAME, .entrysize = sizeof(Cached)};

	cache = hash_create("crm score models", 16, &control, HASH_ELEM | HASH_STRINGS);
}

static void
refresh(Cached *cached)
{
	uint64		generation = crm_card_generation;
	MemoryContext context;

	if (cached->context != NULL)
		MemoryContextDelete(cached->context);
	cached->context = NULL;
	cached->generation = 0;
	/* Ours only once it is whole: an error on the way takes it along. */
	context = AllocSetContextCreate(CurrentMemoryContext, "crm score model", ALLOCSET_DEFAULT_SIZES);
	cached->entry = compile_as_owner(cached->name, context);
	MemoryContextSetParent(context, CacheMemoryContext);
	cached->context = context;
	/* Rows that changed while they were read are read again next time. */
	cached->generation = cached->entry->generation = generation;
}

const CrmCardEntry *
crm_card_lookup(const char *model, size_t length)
{
	char		name[CRM_MODEL_NAME] = {0};
	bool		found;
	Cached	   *cached;

	if (length >= CRM_MODEL_NAME || memchr(model, '\0', length) != NULL)
		report_unknown(pnstrdup(model, Min(length, CRM_MODEL_NAME)));
	memcpy(name, model, length);
	if (cache == NULL)
		make_cache();
	cached = hash_search(cache, name, HASH_ENTER, &found);
	if (!found)
	{
		cached->generation = 0;
		cached->context = NULL;
	}
	if (cached->generation != crm_card_generation)
		refresh(cached);
	return cached->entry;
}

PG_FUNCTION_INFO_V1(crm_score_changed);
Datum
crm_score_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("crm.score_changed() is a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/* -- what a card can give ------------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(crm_score_span);
Datum
crm_score_span(PG_FUNCTION_ARGS)
{
	text	   *model = PG_GETARG_TEXT_PP(0);
	const CrmCardEntry *entry = crm_card_lookup(VARDATA_ANY(model), VARSIZE_ANY_EXHDR(model));
	TupleDesc	desc;
	Datum		value[3] = {Int32GetDatum(entry->version), Int32GetDatum((int32) entry->card.lowest), Int32GetDatum((int32) entry->card.highest)};
	bool		isnull[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
}
