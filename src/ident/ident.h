/*
 * ident.h: the room that judges identifiers: what is a valid identity number,
 * credit code, phone, card, e-mail, name, address, and what does it say.
 *
 * Pure C: no backend header, nothing allocated, nothing global, any bytes may
 * come.  Other rooms include this file and no other of the room.
 */
#ifndef CRM_IDENT_H
#define CRM_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest normalised text that any kind produces, in bytes of UTF-8. */
#define CRM_NORMALIZED_MAX 1024

/* What a text claims to be; crm_kind_find() knows their names. */
typedef enum CrmKind
{
	CRM_KIND_RESIDENT_ID,
	CRM_KIND_USCC,
	CRM_KIND_ORG_CODE,
	CRM_KIND_BUSINESS_LICENSE,
	CRM_KIND_PASSPORT,
	CRM_KIND_PERMIT_TO_HK_MACAU,
	CRM_KIND_PERMIT_TO_TAIWAN,
	CRM_KIND_HK_MACAU_RESIDENT_PERMIT,
	CRM_KIND_TAIWAN_RESIDENT_PERMIT,
	CRM_KIND_HK_ID,
	CRM_KIND_TW_ID,
	CRM_KIND_IBAN,
	CRM_KIND_LEI,
	CRM_KIND_BANK_CARD,
	CRM_KIND_PHONE,
	CRM_KIND_EMAIL,
	CRM_KIND_POSTAL_CODE,
	CRM_KIND_PERSON_NAME,
	CRM_KIND_ORGANIZATION_NAME,
	CRM_KIND_COUNT
} CrmKind;

/* Why a text is refused; the words, in both languages, are crm_reason_*'s. */
typedef enum CrmReason
{
	CRM_OK,
	CRM_REASON_EMPTY,
	CRM_REASON_ENCODING,		/* not UTF-8 */
	CRM_REASON_LENGTH,
	CRM_REASON_CHARACTER,		/* a character that cannot stand there */
	CRM_REASON_CHECK_DIGIT,
	CRM_REASON_REGION,			/* division code never assigned */
	CRM_REASON_DATE,			/* no real calendar date, or out of range */
	CRM_REASON_CATEGORY,		/* authority/category, card type, permit letter */
	CRM_REASON_PREFIX,			/* number range, area code or issuer unknown */
	CRM_REASON_FORM,			/* overall shape: e-mail, name, address */
	CRM_REASON_COUNTRY,			/* country or country code unknown */
	CRM_REASON_AMBIGUOUS,		/* several readings, none better */
	CRM_REASON_KIND,			/* no such kind */
	CRM_REASON_COUNT
} CrmReason;

/*
 * The verdict on one text.  normalized and facts are filled only when valid.
 * Facts that a kind does not give are zero or empty.
 */
typedef struct CrmVerdict
{
	CrmReason	reason;
	size_t		length;			/* of normalized */
	char		normalized[CRM_NORMALIZED_MAX + 1];
	int32_t		region;			/* division code, six digits */
	int32_t		birth_date;		/* yyyymmdd */
	char		sex;			/* 'M', 'F' or 0 */
	char		type[24];		/* mobile, fixed_line, toll_free ...; debit, credit ... */
	char		extension[12];	/* of a phone */
	char		country[4];		/* ISO 3166-1 alpha-2 */
	char		issuer[64];		/* bank of a card, authority of a credit code */
	char		network[24];	/* of a card: unionpay, visa ... */
	bool		was_15_digits;
	bool		region_withdrawn;
	bool		region_withdrawn_before_birth;
	bool		region_unknown; /* of a credit code or licence: never assigned */
	bool		category_unknown;	/* of a credit code: not in the standard's table */
	bool		organization_code_differs;	/* embedded GB 11714 digit is wrong */
} CrmVerdict;

/* An address taken apart; texts are offsets into what was given, or table names. */
typedef struct CrmAddress
{
	int32_t		division;		/* six digits, 0 when unknown or ambiguous */
	char		province[64];
	char		city[64];
	char		district[64];
	char		township[96];
	char		detail[CRM_NORMALIZED_MAX + 1];
	int			candidate_count;
	int32_t		candidates[32];	/* division codes, when ambiguous */
} CrmAddress;

extern bool crm_kind_find(const char *name, size_t length, CrmKind *kind);
extern const char *crm_kind_name(CrmKind kind);
extern bool crm_ident_validate(CrmKind kind, const char *text, size_t length,
							   CrmVerdict *verdict);
/* Yes or no alone; for most rows of the hottest kinds cheaper than a verdict. */
extern bool crm_ident_valid(CrmKind kind, const char *text, size_t length);
/* True when the text is readable at all (valid UTF-8, not empty, not too long). */
extern bool crm_address_parse(const char *text, size_t length, CrmAddress *address);
/* Name of a division that exists or existed, NULL when the code never was assigned. */
extern const char *crm_division_name(int32_t code);

/* A phone as dialled in another country than China (ISO 3166-1 alpha-2). */
extern bool crm_phone_parse(const char *text, size_t length, const char *country,
							CrmVerdict *verdict);
/* Bytes of the surname of a normalised Chinese name, 0 for any other. */
extern size_t crm_person_surname_length(const char *name, size_t length);

extern const char *crm_reason_name(CrmReason reason);	/* check_digit */
extern const char *crm_reason_english(CrmReason reason);
extern const char *crm_reason_chinese(CrmReason reason);

#endif
