/*
 * ident_core.h: what the files of room ident share among themselves.
 *
 * Every parser has the same shape: fold the text into a small buffer on the
 * stack, judge the folded form, and fill a CrmVerdict.  A refusal is a
 * CrmReason, never an error.
 */
#ifndef CRM_IDENT_CORE_H
#define CRM_IDENT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ident.h"

/* Folding: ident_fold_core.c */

/* A folded code never needs more; anything longer is refused for its length. */
#define CRM_CODE_MAX 63

typedef struct CrmCode
{
	size_t		length;
	char		text[CRM_CODE_MAX + 1];
} CrmCode;

extern size_t crm_utf8_decode(const char *text, size_t length, uint32_t *point);
extern size_t crm_utf8_encode(uint32_t point, char *out);
extern uint32_t crm_fold_point(uint32_t point);
extern uint32_t crm_fold_chinese(uint32_t point);
extern CrmReason crm_fold_code(const char *text, size_t length, CrmCode *code);
extern CrmReason crm_fold_text(const char *text, size_t length, char *out,
							   size_t room, size_t *out_length);
extern bool crm_is_han(uint32_t point);

/* Small things that several parsers need. */

static inline bool
crm_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
crm_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
crm_all_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (!crm_is_digit(text[i]))
			return false;
	}
	return true;
}

static inline int32_t
crm_digits_value(const char *text, size_t length)
{
	int32_t		value = 0;

	for (size_t i = 0; i < length; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

extern bool crm_date_real(int32_t year, int32_t month, int32_t day);
extern bool crm_luhn(const char *digits, size_t length);
extern int	crm_mod97(const char *text, size_t length, int remainder);
extern void crm_copy_text(char *out, size_t room, const char *text);
extern void crm_verdict_begin(CrmVerdict *verdict);
extern bool crm_verdict_refuse(CrmVerdict *verdict, CrmReason reason);
extern bool crm_verdict_accept(CrmVerdict *verdict, const char *text, size_t length);

/* Divisions: ident_division_core.c */

/* What is known of one division code; years are 0 when unknown. */
typedef struct CrmDivisionFacts
{
	int32_t		code;
	int32_t		successor;		/* 0 when none is known or it is still in force */
	int16_t		first_year;
	int16_t		last_year;
	int16_t		gone_by;		/* last year at the latest, 0 while in force */
	bool		withdrawn;
	const char *name;
} CrmDivisionFacts;

extern bool crm_division_facts(int32_t code, CrmDivisionFacts *facts);
extern bool crm_division_exists(int32_t code, bool *withdrawn);
extern bool crm_division_read(const char *text, size_t length, int32_t *code, CrmReason *reason);
extern int	crm_division_lookup(const char *text, size_t length, int32_t *codes, int room);

/* Whether a text in its normal form is valid; false may also mean another form. */
extern bool crm_resident_id_clean(const char *text, size_t length);
extern bool crm_uscc_clean(const char *text, size_t length);
extern bool crm_bank_card_clean(const char *text, size_t length);
extern bool crm_phone_clean(const char *text, size_t length);

/* Of a resident identity number: its last character, and the 18 for an old 15. */
extern char crm_resident_check(const char *digits);
extern void crm_resident_upgrade(const char *old, char *number);

/* The parsers, one per kind; each fills a verdict that has begun. */
extern bool crm_resident_id_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_uscc_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_org_code_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_business_license_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_passport_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_permit_to_hk_macau_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_permit_to_taiwan_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_hk_macau_resident_permit_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_taiwan_resident_permit_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_hk_id_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_tw_id_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_iban_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_lei_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_bank_card_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_phone_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_email_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_postal_code_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_person_name_judge(const char *text, size_t length, CrmVerdict *verdict);
extern bool crm_organization_name_judge(const char *text, size_t length, CrmVerdict *verdict);

#endif
