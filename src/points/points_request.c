/*
 * points_request.c: what is asked: a request's parts are checked, one by one or in rows.
 *
 * Here belongs what can be said of a request without looking at any account.
 */
#include "points_post.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#define REQUEST_ID_SIZE 200

/* -- parts --------------------------------------------------------------------------------- */

static CrmPointsKind
kind_asked(const char *name)
{
	for (int kind = 0; kind <= CRM_POINTS_UNLOCK; kind++)
		if (strcmp(crm_points_kind_name[kind], name) == 0)
			return kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no such operation on points"),
			 errhint("Operations are earn, gift, redeem, reverse_redeem, reverse_earn, freeze, unfreeze, capture, adjust, transfer, lock and unlock.")));
}

static void
require(bool given, const char *what)
{
	if (!given)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a posting of points lacks its %s", what)));
}

static char *
checked_request_id(const text *input)
{
	size_t		length = VARSIZE_ANY_EXHDR(input);

	if (length == 0 || length > REQUEST_ID_SIZE || VARDATA_ANY(input)[0] == '~')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a request id has 1 to %d bytes and does not begin with ~", REQUEST_ID_SIZE),
				 errhint("Take what your system calls the request, or gen_random_uuid().")));
	return text_to_cstring(input);
}

char *
crm_points_checked_programme(const text *input)
{
	/* One that is too long is none of ours, nor is the one without a name. */
	return VARSIZE_ANY_EXHDR(input) < CRM_PROGRAMME_SIZE ? text_to_cstring(input) : pstrdup("");
}

static void
checked_class(const text *input, char class[CRM_CLASS_SIZE])
{
	if (crm_class_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), class) != CRM_LEDGER_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid class of points"),
				 errdetail("%s", crm_ledger_reason(CRM_LEDGER_CLASS))));
}

int32
crm_points_checked_day(DateADT day, bool never_too)
{
	if ((day < CRM_DAY_FIRST || day > CRM_DAY_LAST) && !(never_too && day == CRM_DAY_NEVER))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day of points out of range"),
				 errhint("Days are from 0001-01-01 to 9999-12-31; points without a last day have infinity.")));
	return day;
}

void
crm_points_read_request(const Datum *part, const bool *isnull, Request *r)
{
	memset(r, 0, sizeof(*r));
	require(!isnull[PART_REQUEST_ID], "request id");
	require(!isnull[PART_OP], "operation");
	require(!isnull[PART_CUSTOMER], "customer");
	require(!isnull[PART_PROGRAMME], "programme");
	r->op.kind = kind_asked(TextDatumGetCString(part[PART_OP]));
	r->request_id = checked_request_id(DatumGetTextPP(part[PART_REQUEST_ID]));
	r->customer = DatumGetInt64(part[PART_CUSTOMER]);
	r->programme = crm_points_checked_programme(DatumGetTextPP(part[PART_PROGRAMME]));
	r->op.business_date = isnull[PART_BUSINESS_DATE] ? crm_company_today() :
		crm_points_checked_day(DatumGetDateADT(part[PART_BUSINESS_DATE]), false);
	/* No receiver and no ref are ones that are not found, which is an answer and no error in a batch. */
	if (r->op.kind == CRM_POINTS_TRANSFER && !isnull[PART_CUSTOMER2])
		r->customer2 = DatumGetInt64(part[PART_CUSTOMER2]);
	if (crm_points_needs_ref(r->op.kind) && !isnull[PART_REF])
		r->ref = TextDatumGetCString(part[PART_REF]);
	r->reason = isnull[PART_REASON] ? NULL : TextDatumGetCString(part[PART_REASON]);
	r->rule_version = isnull[PART_RULE_VERSION] ? 0 : DatumGetInt32(part[PART_RULE_VERSION]);
	if (r->op.kind == CRM_POINTS_LOCK || r->op.kind == CRM_POINTS_UNLOCK)
		return;
	r->op.has_amount = !isnull[PART_AMOUNT];
	r->op.amount = isnull[PART_AMOUNT] ? 0 : DatumGetInt64(part[PART_AMOUNT]);
	if (!crm_points_is_credit(r->op.kind, r->op.amount))
		return;
	r->op.expires_on = isnull[PART_EXPIRES_ON] ? CRM_DAY_NEVER : crm_points_checked_day(DatumGetDateADT(part[PART_EXPIRES_ON]), true);
	if (!isnull[PART_CLASS])
		checked_class(DatumGetTextPP(part[PART_CLASS]), r->op.class);
}

/* -- rows ---------------------------------------------------------------------------------- */

static Oid
part_type(Part part)
{
	switch (part)
	{
		case PART_CUSTOMER:
		case PART_CUSTOMER2:
			return crm_points_types()->code;
		case PART_BUSINESS_DATE:
		case PART_EXPIRES_ON:
			return DATEOID;
		case PART_AMOUNT:
			return INT8OID;
		case PART_RULE_VERSION:
			return INT4OID;
		default:
			return TEXTOID;
	}
}

/*
 * The rows of an array are of one type, which is looked up once; and looked at, for
 * it can be altered, and then its fields would be read as what they are not.
 */
static TupleDesc
row_type(HeapTupleHeader row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));

	if (desc->natts != ROW_PARTS && desc->natts != PART_RULE_VERSION)
		elog(ERROR, "an operation on points has %d fields", desc->natts);
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->atttypid != part_type(i))
			elog(ERROR, "field %d of an operation on points is of another type", i + 1);
	return desc;
}

static void
read_row(HeapTupleHeader row, TupleDesc desc, Request *request)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum		part[PARTS];
	bool		isnull[PARTS];

	isnull[PART_RULE_VERSION] = isnull[PART_REASON] = true;
	heap_deform_tuple(&tuple, desc, part, isnull);
	crm_points_read_request(part, isnull, request);
}

void
crm_points_read_rows(Datum *elements, const bool *missing, int count, Request *requests)
{
	TupleDesc	desc = NULL;

	for (int i = 0; i < count; i++)
	{
		HeapTupleHeader row;

		require(!missing[i], "row");
		row = DatumGetHeapTupleHeader(elements[i]);
		if (desc == NULL)
			desc = row_type(row);
		read_row(row, desc, &requests[i]);
	}
	if (desc != NULL)
		ReleaseTupleDesc(desc);
}
