/*
 * pii_io.c: input and output of the seven types.
 *
 * Output is the mask, or the envelope where somebody copies the value away; input
 * is an envelope from anybody, a plain value from those who may, and never a mask.
 * So no path through text loses a value without an error.
 */
#include "pii_room.h"

#include <openssl/crypto.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "libpq/pqformat.h"
#include "replication/slot.h"
#include "replication/walsender.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "pii_value_core.h"

CrmPiiType
crm_pii_type_of(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	CrmPiiType	found = CRM_PII_TYPE_END;

	if (!HeapTupleIsValid(tuple))
		return found;
	if (((Form_pg_type) GETSTRUCT(tuple))->typnamespace == get_namespace_oid("crm", true))
		(void) crm_pii_type_find(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), &found);
	ReleaseSysCache(tuple);
	return found;
}

/* -- output ------------------------------------------------------------------- */

static char *
envelope_text(const struct varlena *datum)
{
	size_t		size = CRM_ENVELOPE_SIZE(datum);
	char	   *text = palloc(CRM_ENVELOPE_TEXT(size) + 1);

	crm_envelope_print(CRM_ENVELOPE_DATA(datum), size, text);
	return text;
}

/*
 * The mask of a value, "***" when it cannot be had.  Never fails: error messages
 * and replicas without keys print values too.
 */
static char *
mask_text(const struct varlena *datum, CrmPiiType type)
{
	const uint8 *envelope = CRM_ENVELOPE_DATA(datum);
	size_t		size = CRM_ENVELOPE_SIZE(datum);
	uint8		text[CRM_ENVELOPE_HEAD + CRM_PADDED(CRM_NORMALIZED_MAX) + 64];
	char		mask[CRM_MASK_MAX];
	CrmCipher  *cipher;
	size_t		length;

	if (type == CRM_PII_PRIVATE_TEXT || size > sizeof(text) || size < CRM_ENVELOPE_HEAD)
		return pstrdup(CRM_MASK_NOTHING);
	cipher = crm_pii_cipher(crm_envelope_key_id(envelope), type);
	if (cipher == NULL ||
		crm_envelope_open(type, cipher, envelope, size, text, &length) != CRM_ENVELOPE_OK)
		return pstrdup(CRM_MASK_NOTHING);
	size = crm_mask(type, crm_pii_mask_rule(type), (char *) text, length, mask) + 1;
	explicit_bzero(text, length);
	return memcpy(palloc(size), mask, size);
}

PG_FUNCTION_INFO_V1(crm_pii_out);
Datum
crm_pii_out(PG_FUNCTION_ARGS)
{
	struct varlena *datum = PG_GETARG_VARLENA_PP(0);
	CrmPiiType	type = crm_pii_datum_type(datum);

	/* Replication carries values on; a subscriber's role has no say in that. */
	if (unlikely(am_walsender || MyReplicationSlot != NULL))
		PG_RETURN_CSTRING(envelope_text(datum));
	/* No catalog may be read now, so neither rights nor settings can be. */
	if (unlikely(!IsTransactionState() || crm_pii_traits(type) == NULL))
		PG_RETURN_CSTRING(pstrdup(CRM_MASK_NOTHING));
	if (unlikely(crm_pii_dump_context()))
	{
		crm_pii_require_envelope_right();
		PG_RETURN_CSTRING(envelope_text(datum));
	}
	PG_RETURN_CSTRING(mask_text(datum, type));
}

/* The envelope itself: ciphertext, which tells a client nothing. */
PG_FUNCTION_INFO_V1(crm_pii_send);
Datum
crm_pii_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* -- input -------------------------------------------------------------------- */

/*
 * Before an error about a plain value: take away whatever would print it.  COPY
 * shows the field in its context line and keeps the line number; a nested
 * statement would show itself, literal included, so the rest of the context goes.
 */
static void
hide_input(void)
{
	static ErrorContextCallback copy_only;

	for (ErrorContextCallback *c = error_context_stack; c != NULL; c = c->previous)
	{
		if (c->callback != CopyFromErrorCallback)
			continue;
		if (((CopyFromState) c->arg)->cur_attval != NULL)
			((CopyFromState) c->arg)->cur_attval = CRM_MASK_NOTHING;
		copy_only.callback = CopyFromErrorCallback;
		copy_only.arg = c->arg;
		error_context_stack = &copy_only;
		return;
	}
	error_context_stack = NULL;
}

pg_noreturn static void
refuse_value(CrmPiiType type, const char *detail, const char *hint)
{
	hide_input();
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid value for type %s", crm_pii_traits(type)->sql_name),
			 errdetail("%s", detail),
			 errhint("%s", hint),
			 errhidestmt(true)));
}

pg_noreturn static void
refuse_mask(CrmPiiType type)
{
	refuse_value(type, type == CRM_PII_PRIVATE_TEXT ? "It is the mask of this type and no value." :
				 "It contains an asterisk, so it is a mask and no value.",
				 "Leave the column out of the statement, or give the whole value.");
}

pg_noreturn static void
refuse_envelope(CrmPiiType type, CrmEnvelopeFault fault)
{
	hide_input();
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid envelope for type %s", crm_pii_traits(type)->sql_name),
			 errdetail("%s", crm_envelope_fault(fault)),
			 errhint("Hand an envelope on as it was dumped, to a database that has its keys or none."),
			 errhidestmt(true)));
}

/*
 * Take an envelope: its form always, its tag when its key is at hand.  Without the
 * key it is taken as it is, so that dumps restore on hosts without keys; such a
 * value shows *** and reveals nothing until the key is there, and then only if it
 * is genuine.
 */
static struct varlena *
accept_envelope(CrmPiiType type, const uint8 *envelope, size_t size)
{
	uint8		text[CRM_ENVELOPE_MAX];
	size_t		length = 0;
	CrmCipher  *cipher;
	struct varlena *datum;
	CrmEnvelopeFault fault = crm_envelope_check(type, envelope, size);

	if (fault != CRM_ENVELOPE_OK)
		refuse_envelope(type, fault);
	cipher = crm_pii_cipher(crm_envelope_key_id(envelope), type);
	if (cipher != NULL)
	{
		fault = crm_envelope_open(type, cipher, envelope, size, text, &length);
		OPENSSL_cleanse(text, length);
		if (fault != CRM_ENVELOPE_OK)
			refuse_envelope(type, fault);
	}
	datum = palloc(VARHDRSZ + size);
	SET_VARSIZE(datum, VARHDRSZ + size);
	memcpy(VARDATA(datum), envelope, size);
	return datum;
}

static struct varlena *
accept_envelope_text(CrmPiiType type, const char *text, size_t length)
{
	uint8		envelope[CRM_ENVELOPE_MAX];
	size_t		size;
	CrmEnvelopeFault fault = crm_envelope_parse(text, length, envelope, &size);

	if (fault != CRM_ENVELOPE_OK)
		refuse_envelope(type, fault);
	return accept_envelope(type, envelope, size);
}

static struct varlena *
accept_private_text(const char *text, size_t length)
{
	if (length > CRM_PII_TEXT_MAX)
		refuse_value(CRM_PII_PRIVATE_TEXT, "It is longer than 8192 bytes.",
					 "Shorten it, or keep it as a document.");
	return crm_pii_seal(CRM_PII_PRIVATE_TEXT, text, length);
}

static struct varlena *
accept_plain(CrmPiiType type, const char *text, size_t length)
{
	CrmVerdict	verdict;
	struct varlena *datum;

	if (!crm_pii_normalize(type, text, length, &verdict))
		refuse_value(type, crm_reason_english(verdict.reason),
					 "The value is not repeated here. crm.validate() tells what is known of such a value.");
	if (crm_pii_is_mask(type, verdict.normalized, verdict.length))
		refuse_mask(type);
	datum = crm_pii_seal(type, verdict.normalized, verdict.length);
	OPENSSL_cleanse(verdict.normalized, verdict.length);
	return datum;
}

/* The text forms: envelope, mask, plain value; in this order, so none is taken for another. */
static Datum
pii_in(CrmPiiType type, const char *text)
{
	size_t		length = strlen(text);

	if (crm_envelope_announced(text, length))
		return PointerGetDatum(accept_envelope_text(type, text, length));
	if (crm_pii_is_mask(type, text, length))
		refuse_mask(type);
	if (!crm_pii_has_right(CRM_RIGHT_PLAIN))
	{
		hide_input();
		crm_pii_require_writer();
	}
	if (crm_pii_seal_fault() != CRM_KEY_OK)
	{
		hide_input();
		crm_key_fault_raise(crm_pii_seal_fault());
	}
	if (type == CRM_PII_PRIVATE_TEXT)
		return PointerGetDatum(accept_private_text(text, length));
	return PointerGetDatum(accept_plain(type, text, length));
}

static Datum
pii_recv(CrmPiiType type, StringInfo message)
{
	int			size = message->len - message->cursor;

	return PointerGetDatum(accept_envelope(type, (const uint8 *) pq_getmsgbytes(message, size),
										   (size_t) size));
}

/* One pair of functions per type: an input function is not told its type. */
#define PII_INPUT(name, type) \
	PG_FUNCTION_INFO_V1(crm_##name##_in); \
	Datum \
	crm_##name##_in(PG_FUNCTION_ARGS) \
	{ \
		return pii_in(type, PG_GETARG_CSTRING(0)); \
	} \
	PG_FUNCTION_INFO_V1(crm_##name##_recv); \
	Datum \
	crm_##name##_recv(PG_FUNCTION_ARGS) \
	{ \
		return pii_recv(type, (StringInfo) PG_GETARG_POINTER(0)); \
	}

PII_INPUT(phone, CRM_PII_PHONE)
PII_INPUT(id_number, CRM_PII_ID_NUMBER)
PII_INPUT(bank_card, CRM_PII_BANK_CARD)
PII_INPUT(email, CRM_PII_EMAIL)
PII_INPUT(person_name, CRM_PII_PERSON_NAME)
PII_INPUT(postal_address, CRM_PII_POSTAL_ADDRESS)
PII_INPUT(private_text, CRM_PII_PRIVATE_TEXT)

void
crm_pii_init(void)
{
	crm_pii_caller_init();
	crm_pii_dump_init();
	crm_ring_init();
	crm_kek_init();
	crm_pii_settings_init();
}
