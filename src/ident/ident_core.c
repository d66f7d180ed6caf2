/*
 * ident_core.c: the kinds by name, the dispatch to their parsers, the reasons
 * in words.
 */
#include "ident_core.h"

typedef bool (*CrmJudge) (const char *text, size_t length, CrmVerdict *verdict);

/* In the order of CrmKind. */
static const struct
{
	const char *name;
	CrmJudge	judge;
}			kinds[CRM_KIND_COUNT] =
{
	{"resident_id", crm_resident_id_judge},
	{"uscc", crm_uscc_judge},
	{"org_code", crm_org_code_judge},
	{"business_license", crm_business_license_judge},
	{"passport", crm_passport_judge},
	{"permit_to_hk_macau", crm_permit_to_hk_macau_judge},
	{"permit_to_taiwan", crm_permit_to_taiwan_judge},
	{"hk_macau_resident_permit", crm_hk_macau_resident_permit_judge},
	{"taiwan_resident_permit", crm_taiwan_resident_permit_judge},
	{"hk_id", crm_hk_id_judge},
	{"tw_id", crm_tw_id_judge},
	{"iban", crm_iban_judge},
	{"lei", crm_lei_judge},
	{"bank_card", crm_bank_card_judge},
	{"phone", crm_phone_judge},
	{"email", crm_email_judge},
	{"postal_code", crm_postal_code_judge},
	{"person_name", crm_person_name_judge},
	{"organization_name", crm_organization_name_judge},
};

bool
crm_kind_find(const char *name, size_t length, CrmKind *kind)
{
	for (int i = 0; i < CRM_KIND_COUNT; i++)
	{
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
		{
			*kind = (CrmKind) i;
			return true;
		}
	}
	return false;
}

const char *
crm_kind_name(CrmKind kind)
{
	return (unsigned int) kind < CRM_KIND_COUNT ? kinds[kind].name : NULL;
}

bool
crm_ident_validate(CrmKind kind, const char *text, size_t length, CrmVerdict *verdict)
{
	crm_verdict_begin(verdict);
	if ((unsigned int) kind >= CRM_KIND_COUNT)
		return crm_verdict_refuse(verdict, CRM_REASON_KIND);
	return kinds[kind].judge(text, length, verdict);
}

/* Apart, so that a clean value does not pay for the room of a verdict. */
static bool
valid_by_verdict(CrmKind kind, const char *text, size_t length)
{
	CrmVerdict	verdict;

	return crm_ident_validate(kind, text, length, &verdict);
}

/* Whether a value of the hottest kinds is valid as it stands. */
static bool
clean(CrmKind kind, const char *text, size_t length)
{
	switch (kind)
	{
		case CRM_KIND_RESIDENT_ID:
			return crm_resident_id_clean(text, length);
		case CRM_KIND_USCC:
			return crm_uscc_clean(text, length);
		case CRM_KIND_BANK_CARD:
			return crm_bank_card_clean(text, length);
		case CRM_KIND_PHONE:
			return crm_phone_clean(text, length);
		default:
			return false;
	}
}

bool
crm_ident_valid(CrmKind kind, const char *text, size_t length)
{
	return clean(kind, text, length) || valid_by_verdict(kind, text, length);
}

/* In the order of CrmReason: the word for programs, the words for people. */
static const struct
{
	const char *name;
	const char *english;
	const char *chinese;
}			reasons[CRM_REASON_COUNT] =
{
	{"ok", "The value is valid.", "有效。"},
	{"empty", "The value is empty.", "内容为空。"},
	{"encoding", "The value is not valid UTF-8 text.", "不是有效的 UTF-8 文本。"},
	{"length", "The value has the wrong length.", "长度不正确。"},
	{"character", "A character stands where it cannot stand.", "含有不允许的字符。"},
	{"check_digit", "The check digit does not match: a digit is wrong or two are swapped.",
	"校验码不符：可能有一位写错，或相邻两位颠倒。"},
	{"region", "The administrative division code was never assigned.", "行政区划代码从未使用过。"},
	{"date", "The date is no calendar date or out of range.", "日期不存在或超出范围。"},
	{"category", "The authority, category or document letter is unknown.", "登记机关、类别或证件字母未知。"},
	{"prefix", "The number range, area code or zone is not in use.", "号段、区号或邮区未启用。"},
	{"form", "The value does not have the form of its kind.", "格式不符合该类型的要求。"},
	{"country", "The country or country code is unknown.", "国家或国家代码未知。"},
	{"ambiguous", "The value has several readings and none is better.", "存在多种解读，无法确定。"},
	{"kind", "There is no such kind of identifier.", "没有这种标识类型。"},
};

static CrmReason
known_reason(CrmReason reason)
{
	return (unsigned int) reason < CRM_REASON_COUNT ? reason : CRM_REASON_FORM;
}

const char *
crm_reason_name(CrmReason reason)
{
	return reasons[known_reason(reason)].name;
}

const char *
crm_reason_english(CrmReason reason)
{
	return reasons[known_reason(reason)].english;
}

const char *
crm_reason_chinese(CrmReason reason)
{
	return reasons[known_reason(reason)].chinese;
}
