/*
 * match_cn_core.h: the comparison kinds of Chinese data, and what their files share.
 */
#ifndef CRM_MATCH_CN_CORE_H
#define CRM_MATCH_CN_CORE_H

#include "match_kind_core.h"
#include "match_text_core.h"

extern const CrmMatchKind crm_match_cn_name;
extern const CrmMatchKind crm_match_cn_id_number;
extern const CrmMatchKind crm_match_cn_phone;
extern const CrmMatchKind crm_match_cn_address;
extern const CrmMatchKind crm_match_cn_company_name;

/* The forms that SQL shows too: UTF-8 written to out, its length; 0 when nothing is left. */
extern size_t crm_fold_name(const char *text, size_t length, char *out, size_t room);
extern size_t crm_fold_company_name(const char *text, size_t length, char *out, size_t room);

/* Adds a block key of a family, where there is room; the keys there are then. */
static inline int
crm_match_cn_key(CrmMatchKey *key, int used, int room, int family, uint64_t hash)
{
	if (used == room)
		return used;
	key[used].family = family;
	key[used].hash = crm_match_mix(hash + (uint64_t) family);
	return used + 1;
}

/* The same of a piece of the value itself. */
static inline int
crm_match_cn_piece(CrmMatchKey *key, int used, int room, int family, const void *bytes, size_t length)
{
	if (used == room)
		return used;
	key[used].family = family;
	key[used].hash = crm_match_hash(bytes, length, (uint64_t) family);
	return used + 1;
}

#endif
