/*
 * pii_mask_core.h: what of a value may be seen.
 *
 * A rule counts what is shown at the left and at the right end.  What it counts
 * differs by type:
 *
 *	phone			left: digits of operator, area or country code; right: last digits
 *	id_number		characters at both ends
 *	bank_card		digits at both ends
 *	email			left: characters of the local part; right: 1 shows the domain
 *	person_name		left: 1 shows the surname, or the initial of each word;
 *					right: 1 shows the last character of a Chinese name of three or more
 *	postal_address	left: 1 province, 2 city, 3 district
 *	private_text	nothing is ever shown
 */
#ifndef CRM_PII_MASK_CORE_H
#define CRM_PII_MASK_CORE_H

#include "pii.h"

/* Bytes of the longest mask, its NUL included. */
#define CRM_MASK_MAX 1152
/* The mask that tells nothing: no key, or nothing to show. */
#define CRM_MASK_NOTHING "***"

typedef struct CrmMaskRule
{
	short		left;
	short		right;
} CrmMaskRule;

extern CrmMaskRule crm_mask_default(CrmPiiType type);
extern CrmMaskRule crm_mask_limit(CrmPiiType type);
extern CrmMaskRule crm_mask_narrower(CrmMaskRule a, CrmMaskRule b);
extern size_t crm_mask(CrmPiiType type, CrmMaskRule rule, const char *text, size_t length,
					   char *mask);

#endif
