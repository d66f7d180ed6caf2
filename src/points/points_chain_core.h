/* points_chain_core.h: the hash chain of an account's entries. */
#ifndef CRM_POINTS_CHAIN_CORE_H
#define CRM_POINTS_CHAIN_CORE_H

#include "points_core.h"

#define CRM_HASH_SIZE	32

/* The fields of an entry in the order in which they are hashed; null is the value behind. */
enum
{
	CRM_ENTRY_CUSTOMER,
	CRM_ENTRY_SEQ,
	CRM_ENTRY_AMOUNT,
	CRM_ENTRY_BUSINESS_DATE,
	CRM_ENTRY_POSTED_AT,
	CRM_ENTRY_AVAILABLE,
	CRM_ENTRY_HELD,
	CRM_ENTRY_DEBT,
	CRM_ENTRY_EXPIRES_ON,		/* null: -2147483648 */
	CRM_ENTRY_COUNTERPARTY,		/* null: 0 */
	CRM_ENTRY_IS_REST,			/* null or false: 0 */
	CRM_ENTRY_RULE_VERSION,		/* null: 0 */
	CRM_ENTRY_NUMBERS
};
enum
{
	CRM_ENTRY_REQUEST_ID,
	CRM_ENTRY_PROGRAMME,
	CRM_ENTRY_KIND,
	CRM_ENTRY_REF,				/* null: empty, as is class */
	CRM_ENTRY_CLASS,
	CRM_ENTRY_DELTA,
	CRM_ENTRY_TEXTS
};

typedef struct CrmPointsEntry
{
	int64_t		number[CRM_ENTRY_NUMBERS];
	const char *text[CRM_ENTRY_TEXTS];
	size_t		length[CRM_ENTRY_TEXTS];
} CrmPointsEntry;

/* False when a text is too long, or the digest cannot be had. */
extern bool crm_points_hash(const uint8_t before[CRM_HASH_SIZE], const CrmPointsEntry *entry, uint8_t hash[CRM_HASH_SIZE]);

#endif
