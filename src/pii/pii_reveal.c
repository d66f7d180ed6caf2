/*
 * pii_reveal.c: the one way from an envelope to plain text in SQL: a right, a
 * purpose, and a record in the server's log before the value leaves.
 */
#include "pii_room.h"

#include <openssl/crypto.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define PURPOSE_MAX 200			/* characters */

static void
require_reveal_right(void)
{
	if (crm_pii_has_right(CRM_RIGHT_REVEAL))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to reveal personal data"),
			 errdetail("Both the current and the session user must hold crm_revealer."),
			 errhint("Ask for crm_revealer; the masked value needs no right.")));
}

/*
 * A character that would break the line of the log or hide in it: controls, line
 * separators, marks that turn the direction of writing.
 */
static bool
unfit_for_log(pg_wchar point)
{
	return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x61C ||
		(point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
		(point >= 0x2060 && point <= 0x206F) || point == 0xFEFF;
}

/* What is wrong with a purpose, NULL when nothing is. */
static const char *
purpose_fault(const char *purpose)
{
	bool		blank = true;
	int			count = 0;

	for (const char *c = purpose; *c != '\0'; c += pg_mblen(c))
	{
		pg_wchar	point[2] = {0};

		pg_mb2wchar_with_len(c, point, pg_mblen(c));
		if (unfit_for_log(point[0]))
			return "The purpose contains a control character.";
		if (*c != ' ' && point[0] != 0x3000 && point[0] != 0xA0)
			blank = false;
		count++;
	}
	if (blank)
		return "The purpose is blank.";
	return count > PURPOSE_MAX ? "The purpose is longer than 200 characters." : NULL;
}

static char *
require_purpose(bool isnull, Datum value)
{
	char	   *purpose = isnull ? NULL : TextDatumGetCString(value);
	const char *fault = isnull ? "The purpose is null." : purpose_fault(purpose);

	if (fault == NULL)
		return purpose;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("revealing personal data needs a purpose"),
			 errdetail("%s", fault),
			 errhint("Say in one line of 1 to 200 characters what the value is needed for; it is logged.")));
	return NULL;
}

/* A superuser could have set a level that drops the record: no log, no reveal. */
static void
require_log(void)
{
	if (log_min_messages == LOG || log_min_messages <= ERROR)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("personal data cannot be revealed without a log"),
			 errdetail("log_min_messages leaves out the record of the reveal."),
			 errhint("Set log_min_messages to log, error or a lower level.")));
}

static void
append_quoted(StringInfo line, const char *label, const char *value)
{
	appendStringInfo(line, " %s=\"", label);
	for (const char *c = value; *c != '\0'; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfoChar(line, '\\');
		appendStringInfoChar(line, *c);
	}
	appendStringInfoChar(line, '"');
}

/* As inet_client_addr() gives it; a Unix socket has none. */
static const char *
client_address(void)
{
	LOCAL_FCINFO(call, 0);
	Datum		address;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	return call->isnull ? "[local]" : DatumGetCString(DirectFunctionCall1(inet_out, address));
}

/* The record: who, from where, which value by its token, why; never the value. */
static void
log_reveal(CrmPiiType type, const struct varlena *datum, const char *purpose)
{
	const uint8 *envelope = CRM_ENVELOPE_DATA(datum);
	const uint8 *mark = crm_pii_traits(type)->has_token ? envelope + CRM_TOKEN_OFFSET + 2 :
		envelope + CRM_ENVELOPE_SIZE(datum) - CRM_TAG_SIZE;
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "crm reveal: type=%s fingerprint=%02x%02x%02x%02x",
					 crm_pii_traits(type)->name, mark[0], mark[1], mark[2], mark[3]);
	append_quoted(&line, "user", GetUserNameFromId(GetUserId(), false));
	append_quoted(&line, "session_user", GetUserNameFromId(GetSessionUserId(), false));
	append_quoted(&line, "client", client_address());
	append_quoted(&line, "purpose", purpose);
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("%s", line.data), errhidestmt(true), errhidecontext(true)));
	pfree(line.data);
}

PG_FUNCTION_INFO_V1(crm_pii_reveal);
Datum
crm_pii_reveal(PG_FUNCTION_ARGS)
{
	struct varlena *datum;
	CrmPiiType	type;
	char		plain[CRM_PII_TEXT_MAX + 1];
	char	   *purpose;
	size_t		length = 0;
	text	   *result;

	require_reveal_right();
	purpose = require_purpose(PG_ARGISNULL(1), PG_GETARG_DATUM(1));
	require_log();
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();

	datum = PG_GETARG_VARLENA_PP(0);
	type = crm_pii_datum_type(datum);
	if (crm_pii_traits(type) == NULL)
		type = CRM_PII_PRIVATE_TEXT;	/* refused by crm_pii_open() as another class */
	(void) crm_pii_open(datum, type, plain, sizeof(plain), &length);
	log_reveal(type, datum, purpose);
	result = cstring_to_text_with_len(plain, (int) length);
	OPENSSL_cleanse(plain, length);
	PG_RETURN_TEXT_P(result);
}
