/*
 * intake.c: one customer's record, as it comes in, judged and sealed.
 *
 * crm.customer_check() is the only way into the customer's tables: import and
 * crm.register_customer() both go through it, so their rules are one.  It opens
 * the private texts, validates and normalises every field, seals what is
 * personal, and returns either the values or all violations at once.  Plain
 * text lives in one buffer that is wiped, and never in an error.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/typcache.h"

#include "ident/ident.h"
#include "intake/intake_core.h"
#include "pii/pii.h"

/* Columns of crm.customer_checked. */
typedef enum CrmChecked
{
	OUT_LINE,
	OUT_VIOLATIONS,
	OUT_KIND,
	OUT_PERSON_NAME,
	OUT_ORGANIZATION_NAME,
	OUT_DOCUMENT_KIND,
	OUT_DOCUMENT_NUMBER,
	OUT_USCC,
	OUT_SEX,
	OUT_BIRTH_DATE,
	OUT_PHONE,
	OUT_EMAIL,
	OUT_BANK_CARD,
	OUT_DIVISION,
	OUT_ADDRESS,
	OUT_OCCUPATION,
	OUT_INDUSTRY,
	OUT_LEGAL_REPRESENTATIVE,
	OUT_CONTACT_NAME,
	OUT_EXTERNAL_SYSTEM,
	OUT_EXTERNAL_ID,
	OUT_COUNT
} CrmChecked;

/* Longest text of the fields that are no personal data, in bytes. */
#define PLAIN_MAX 200

/* What each violation says beyond the reasons of room ident. */
#define REASON_REQUIRED "required"
#define REASON_CONTRADICTION "contradiction"
#define REASON_FUTURE "future"
#define REASON_DIVISION "division"

/* Everything about the record at hand. */
typedef struct Record
{
	Datum		in[CRM_FIELD_COLUMNS + 1];	/* line first */
	bool		in_null[CRM_FIELD_COLUMNS + 1];
	Datum		out[OUT_COUNT];
	bool		out_null[OUT_COUNT];
	Datum		violations[2 * CRM_FIELD_COUNT];
	int			violation_count;
	CrmCustomerKind kind;
	int32		today;			/* yyyymmdd: nobody is born later */
	char		sex;			/* as the file says, then as the document does */
	int32		birth_date;
	char	   *text;			/* the field at hand, decrypted */
	size_t		length;
	CrmVerdict *verdict;
} Record;

static void
violation(Record *r, CrmField field, const char *reason)
{
	char		text[64];

	snprintf(text, sizeof text, "%s:%s", crm_field_name(field), reason);
	if (r->violation_count < (int) lengthof(r->violations))
		r->violations[r->violation_count++] = CStringGetTextDatum(text);
}

static void
put(Record *r, CrmChecked column, Datum value)
{
	r->out[column] = value;
	r->out_null[column] = false;
}

static bool
is_private(CrmField field)
{
	switch (field)
	{
		case CRM_FIELD_NAME:
		case CRM_FIELD_DOCUMENT_NUMBER:
		case CRM_FIELD_BIRTH_DATE:
		case CRM_FIELD_PHONE:
		case CRM_FIELD_EMAIL:
		case CRM_FIELD_BANK_CARD:
		case CRM_FIELD_ADDRESS:
		case CRM_FIELD_LEGAL_REPRESENTATIVE:
		case CRM_FIELD_CONTACT_NAME:
			return true;
		default:
			return false;
	}
}

/* Bring the field into r->text; false when it is absent or blank. */
static bool
fetch(Record *r, CrmField field)
{
	Datum		value = r->in[field + 1];
	struct varlena *plain;

	r->length = 0;
	if (r->in_null[field + 1])
		return false;
	plain = PG_DETOAST_DATUM_PACKED(value);
	if (is_private(field))
		crm_pii_open(plain, CRM_PII_PRIVATE_TEXT, r->text, CRM_PII_TEXT_MAX + 1, &r->length);
	else
	{
		r->length = Min(VARSIZE_ANY_EXHDR(plain), CRM_PII_TEXT_MAX);
		memcpy(r->text, VARDATA_ANY(plain), r->length);
	}
	return !crm_text_is_blank(r->text, r->length);
}

/* A field that room ident judges; true when it is there and valid. */
static bool
judged(Record *r, CrmField field, CrmKind kind)
{
	if (!fetch(r, field))
		return false;
	if (crm_ident_validate(kind, r->text, r->length, r->verdict))
		return true;
	violation(r, field, crm_reason_name(r->verdict->reason));
	return false;
}

static void
seal(Record *r, CrmChecked column, CrmPiiType type)
{
	put(r, column, PointerGetDatum(crm_pii_seal(type, r->verdict->normalized, r->verdict->length)));
}

static void
check_sealed(Record *r, CrmField field, CrmKind kind, CrmChecked column, CrmPiiType type)
{
	if (judged(r, field, kind))
		seal(r, column, type);
}

/* A field kept as it is: readable and not too long; whether it is there at all. */
static bool
check_plain(Record *r, CrmField field, CrmChecked column)
{
	if (!fetch(r, field))
		return false;
	if (r->length > PLAIN_MAX)
		violation(r, field, crm_reason_name(CRM_REASON_LENGTH));
	else if (crm_text_has_control(r->text, r->length))
		violation(r, field, crm_reason_name(CRM_REASON_CHARACTER));
	else
		put(r, column, PointerGetDatum(cstring_to_text_with_len(r->text, (int) r->length)));
	return true;
}

/* Without a known kind nothing else can be judged by kind; the rest still is. */
static void
check_kind(Record *r)
{
	if (!fetch(r, CRM_FIELD_KIND))
		violation(r, CRM_FIELD_KIND, REASON_REQUIRED);
	else if (!crm_customer_kind_find(r->text, r->length, &r->kind))
		violation(r, CRM_FIELD_KIND, crm_reason_name(CRM_REASON_KIND));
	put(r, OUT_KIND, CStringGetTextDatum(crm_customer_kind_name(r->kind)));
}

static void
check_name(Record *r)
{
	if (r->kind == CRM_INDIVIDUAL)
		check_sealed(r, CRM_FIELD_NAME, CRM_KIND_PERSON_NAME, OUT_PERSON_NAME, CRM_PII_PERSON_NAME);
	else if (judged(r, CRM_FIELD_NAME, CRM_KIND_ORGANIZATION_NAME))
		put(r, OUT_ORGANIZATION_NAME,
			PointerGetDatum(cstring_to_text_with_len(r->verdict->normalized, (int) r->verdict->length)));
}

static void
check_sex(Record *r)
{
	if (fetch(r, CRM_FIELD_SEX) && !crm_sex_read(r->text, r->length, &r->sex))
		violation(r, CRM_FIELD_SEX, crm_reason_name(CRM_REASON_FORM));
}

static void
check_birth_date(Record *r)
{
	if (!fetch(r, CRM_FIELD_BIRTH_DATE))
		return;
	if (!crm_date_read(r->text, r->length, &r->birth_date))
		violation(r, CRM_FIELD_BIRTH_DATE, crm_reason_name(CRM_REASON_DATE));
	else if (r->birth_date > r->today)
		violation(r, CRM_FIELD_BIRTH_DATE, REASON_FUTURE);
}

/* The document is the better witness: it fills what is missing and contradicts what is wrong. */
static void
compare_with_document(Record *r)
{
	const CrmVerdict *v = r->verdict;

	if (v->birth_date > r->today)
		violation(r, CRM_FIELD_DOCUMENT_NUMBER, REASON_FUTURE);
	if (v->sex != 0 && r->sex != 0 && v->sex != r->sex)
		violation(r, CRM_FIELD_SEX, REASON_CONTRADICTION);
	if (v->birth_date != 0 && r->birth_date != 0 && v->birth_date != r->birth_date)
		violation(r, CRM_FIELD_BIRTH_DATE, REASON_CONTRADICTION);
	if (v->sex != 0)
		r->sex = v->sex;
	if (v->birth_date != 0)
		r->birth_date = v->birth_date;
}

/* The kinds of document under which each kind of customer can be registered. */
static bool
document_kind(Record *r, CrmKind *kind)
{
	*kind = r->kind == CRM_INDIVIDUAL ? CRM_KIND_RESIDENT_ID : CRM_KIND_USCC;
	if (!fetch(r, CRM_FIELD_DOCUMENT_KIND))
		return true;
	if (!crm_kind_find(r->text, r->length, kind) || *kind > CRM_KIND_TW_ID)
		return false;
	switch (*kind)
	{
		case CRM_KIND_USCC:
		case CRM_KIND_ORG_CODE:
		case CRM_KIND_BUSINESS_LICENSE:
			return r->kind != CRM_INDIVIDUAL;
		default:
			return r->kind == CRM_INDIVIDUAL;
	}
}

static void
check_document(Record *r)
{
	CrmKind		kind;

	if (!document_kind(r, &kind))
	{
		violation(r, CRM_FIELD_DOCUMENT_KIND, crm_reason_name(CRM_REASON_KIND));
		return;
	}
	if (!judged(r, CRM_FIELD_DOCUMENT_NUMBER, kind))
		return;
	put(r, OUT_DOCUMENT_KIND, CStringGetTextDatum(crm_kind_name(kind)));
	seal(r, OUT_DOCUMENT_NUMBER, CRM_PII_ID_NUMBER);
	if (kind == CRM_KIND_USCC)
		put(r, OUT_USCC,
			PointerGetDatum(cstring_to_text_with_len(r->verdict->normalized, (int) r->verdict->length)));
	if (r->kind == CRM_INDIVIDUAL)
		compare_with_document(r);
}

static void
put_person_facts(Record *r)
{
	int			ymd = r->birth_date;

	if (r->sex != 0)
		put(r, OUT_SEX, CharGetDatum(r->sex));
	if (ymd != 0)
		put(r, OUT_BIRTH_DATE,
			DateADTGetDatum(date2j(ymd / 10000, ymd / 100 % 100, ymd % 100) - POSTGRES_EPOCH_JDATE));
}

/* A Chinese address must say where it is; one without Han characters lies elsewhere. */
static void
check_address(Record *r)
{
	CrmAddress	address;

	if (!fetch(r, CRM_FIELD_ADDRESS))
		return;
	if (r->length > CRM_NORMALIZED_MAX)
		violation(r, CRM_FIELD_ADDRESS, crm_reason_name(CRM_REASON_LENGTH));
	else if (crm_text_has_control(r->text, r->length))
		violation(r, CRM_FIELD_ADDRESS, crm_reason_name(CRM_REASON_CHARACTER));
	else if (!crm_address_parse(r->text, r->length, &address))
		violation(r, CRM_FIELD_ADDRESS, crm_reason_name(CRM_REASON_FORM));
	else if (address.division == 0 && address.candidate_count > 1)
		violation(r, CRM_FIELD_ADDRESS, crm_reason_name(CRM_REASON_AMBIGUOUS));
	else if (address.division == 0 && crm_text_has_han(r->text, r->length))
		violation(r, CRM_FIELD_ADDRESS, REASON_DIVISION);
	else
	{
		put(r, OUT_ADDRESS, PointerGetDatum(crm_pii_seal(CRM_PII_POSTAL_ADDRESS, r->text, r->length)));
		if (address.division != 0)
			put(r, OUT_DIVISION, Int32GetDatum(address.division));
	}
	explicit_bzero(&address, sizeof address);
}

/* An external id needs its system, and the other way round. */
static void
check_external(Record *r)
{
	bool		system = check_plain(r, CRM_FIELD_EXTERNAL_SYSTEM, OUT_EXTERNAL_SYSTEM);
	bool		id = check_plain(r, CRM_FIELD_EXTERNAL_ID, OUT_EXTERNAL_ID);

	if (system != id)
		violation(r, system ? CRM_FIELD_EXTERNAL_ID : CRM_FIELD_EXTERNAL_SYSTEM, REASON_REQUIRED);
}

/*
 * Required fields are rows of crm_data.intake_rule, here as one bit a field.  A
 * field that is there but wrong is reported as wrong, not as missing.
 */
static void
check_required(Record *r, int32 mask)
{
	for (int f = 0; f < CRM_FIELD_COLUMNS; f++)
		if ((mask & (1 << f)) && f != CRM_FIELD_KIND && !fetch(r, (CrmField) f))
			violation(r, (CrmField) f, REASON_REQUIRED);
	if ((mask & (1 << CRM_FIELD_CONTACT)) &&
		!fetch(r, CRM_FIELD_PHONE) && !fetch(r, CRM_FIELD_EMAIL))
		violation(r, CRM_FIELD_CONTACT, REASON_REQUIRED);
}

static void
check_all(Record *r, const int32 *required)
{
	check_kind(r);
	check_name(r);
	check_sex(r);
	check_birth_date(r);
	check_document(r);
	if (r->kind == CRM_INDIVIDUAL)
		put_person_facts(r);
	check_sealed(r, CRM_FIELD_PHONE, CRM_KIND_PHONE, OUT_PHONE, CRM_PII_PHONE);
	check_sealed(r, CRM_FIELD_EMAIL, CRM_KIND_EMAIL, OUT_EMAIL, CRM_PII_EMAIL);
	check_sealed(r, CRM_FIELD_BANK_CARD, CRM_KIND_BANK_CARD, OUT_BANK_CARD, CRM_PII_BANK_CARD);
	check_address(r);
	check_plain(r, CRM_FIELD_OCCUPATION, OUT_OCCUPATION);
	check_plain(r, CRM_FIELD_INDUSTRY, OUT_INDUSTRY);
	check_sealed(r, CRM_FIELD_LEGAL_REPRESENTATIVE, CRM_KIND_PERSON_NAME,
				 OUT_LEGAL_REPRESENTATIVE, CRM_PII_PERSON_NAME);
	check_sealed(r, CRM_FIELD_CONTACT_NAME, CRM_KIND_PERSON_NAME,
				 OUT_CONTACT_NAME, CRM_PII_PERSON_NAME);
	check_external(r);
	check_required(r, required[r->kind]);
}

static void
deform(HeapTupleHeader header, Record *r)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {0};

	if (desc->natts != CRM_FIELD_COLUMNS + 1)
		elog(ERROR, "crm.customer_input has %d columns", desc->natts);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, r->in, r->in_null);
	ReleaseTupleDesc(desc);
}

/* yyyymmdd of a date */
static int32
calendar(DateADT date)
{
	int			year,
				month,
				day;

	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return year * 10000 + month * 100 + day;
}

/* The masks of required fields, one for each kind of customer. */
static const int32 *
required_masks(ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_DIMS(array)[0] != CRM_CUSTOMER_KINDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("required fields must be one mask for each kind of customer"),
				 errhint("crm.intake_required() makes them.")));
	return (const int32 *) ARR_DATA_PTR(array);
}

PG_FUNCTION_INFO_V1(crm_customer_check);
Datum
crm_customer_check(PG_FUNCTION_ARGS)
{
	Record	   *r = palloc0(sizeof(Record));
	TupleDesc	desc;

	crm_pii_require_writer();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != OUT_COUNT)
		elog(ERROR, "crm.customer_checked has not the columns that the library knows");
	deform(PG_GETARG_HEAPTUPLEHEADER(0), r);
	memset(r->out_null, true, sizeof r->out_null);
	r->text = palloc(CRM_PII_TEXT_MAX + 1);
	r->verdict = palloc(sizeof(CrmVerdict));
	r->today = calendar(PG_GETARG_DATEADT(2));

	check_all(r, required_masks(PG_GETARG_ARRAYTYPE_P(1)));
	put(r, OUT_LINE, r->in[0]);
	r->out_null[OUT_LINE] = r->in_null[0];
	if (r->violation_count > 0)
		put(r, OUT_VIOLATIONS,
			PointerGetDatum(construct_array(r->violations, r->violation_count, TEXTOID, -1, false, TYPALIGN_INT)));
	explicit_bzero(r->text, CRM_PII_TEXT_MAX + 1);
	explicit_bzero(r->verdict, sizeof(CrmVerdict));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, r->out, r->out_null)));
}

/* The bit of each named field, for crm.customer_check(). */
PG_FUNCTION_INFO_V1(crm_intake_field_mask);
Datum
crm_intake_field_mask(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	CrmField	field;

	if (!crm_field_find(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &field))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no field \"%s\" in a customer's record", text_to_cstring(name)),
				 errhint("The fields are the columns of crm.customer_input, and contact for telephone or e-mail.")));
	PG_RETURN_INT32(1 << field);
}
