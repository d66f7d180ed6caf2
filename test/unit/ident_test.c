/*
 * Proves: each parser of room ident accepts what its standard accepts, refuses
 * what it refuses for the reason that fits, writes one thing one way, and finds
 * the facts; addresses are taken apart whatever level is missing, short, doubled
 * or misspelt.
 */
#include "ident/ident_core.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* A value of a kind; the normalised form when valid, else NULL and the reason. */
typedef struct Case
{
	CrmKind		kind;
	const char *text;
	const char *normalized;
	CrmReason	reason;
} Case;

static const Case cases[] = {
	{CRM_KIND_RESIDENT_ID, "11010519491231002X", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "11010519491231002x", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, " 110105-19491231-002X\t", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "1101051949\xe2\x80\x8b" "1231002X", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "110105491231002", "11010519491231002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "13212119800101002X", "13212119800101002X", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "830000199201300022", "830000199201300022", CRM_OK},
	{CRM_KIND_RESIDENT_ID, "", NULL, CRM_REASON_EMPTY},
	{CRM_KIND_RESIDENT_ID, "  ", NULL, CRM_REASON_EMPTY},
	{CRM_KIND_RESIDENT_ID, "1101051949123100", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_RESIDENT_ID, "1101051949123100200X", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_RESIDENT_ID, "11010519491231002\xc3\x97", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_RESIDENT_ID, "1101051949123100\xff\xff", NULL, CRM_REASON_ENCODING},
	{CRM_KIND_RESIDENT_ID, "110105194912310021", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_RESIDENT_ID, "110105190002290020", NULL, CRM_REASON_DATE},
	{CRM_KIND_RESIDENT_ID, "110105189912310020", NULL, CRM_REASON_DATE},
	{CRM_KIND_RESIDENT_ID, "110105209912310020", NULL, CRM_REASON_DATE},
	{CRM_KIND_RESIDENT_ID, "999999194912310025", NULL, CRM_REASON_REGION},
	{CRM_KIND_USCC, "91350100M000100Y43", "91350100M000100Y43", CRM_OK},
	{CRM_KIND_USCC, "91350100m000100y43", "91350100M000100Y43", CRM_OK},
	{CRM_KIND_USCC, "9135 0100 M000 100Y 43", "91350100M000100Y43", CRM_OK},
	{CRM_KIND_USCC, "91350100M000100Y44", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_USCC, "19350100M000100Y43", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_USCC, "91350100I000100Y43", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_USCC, "9135010XM000100Y43", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_USCC, "91350100M000100Y4", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_ORG_CODE, "M000100Y4", "M000100Y4", CRM_OK},
	{CRM_KIND_ORG_CODE, "25008768-x", "25008768X", CRM_OK},
	{CRM_KIND_ORG_CODE, "25008768-0", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_ORG_CODE, "25008768A", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_BUSINESS_LICENSE, "610481483422943", "610481483422943", CRM_OK},
	{CRM_KIND_BUSINESS_LICENSE, "610481483422934", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_PASSPORT, "e12345678", "E12345678", CRM_OK},
	{CRM_KIND_PASSPORT, "EA1234567", "EA1234567", CRM_OK},
	{CRM_KIND_PASSPORT, "EO1234567", NULL, CRM_REASON_FORM},
	{CRM_KIND_PASSPORT, "X12345678", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERMIT_TO_HK_MACAU, "C12345678", "C12345678", CRM_OK},
	{CRM_KIND_PERMIT_TO_TAIWAN, "L12345678", "L12345678", CRM_OK},
	{CRM_KIND_PERMIT_TO_TAIWAN, "K12345678", NULL, CRM_REASON_FORM},
	{CRM_KIND_HK_MACAU_RESIDENT_PERMIT, "M1234567890", "M1234567890", CRM_OK},
	{CRM_KIND_HK_MACAU_RESIDENT_PERMIT, "M123456789", NULL, CRM_REASON_FORM},
	{CRM_KIND_TAIWAN_RESIDENT_PERMIT, "12345678", "12345678", CRM_OK},
	{CRM_KIND_HK_ID, "A123456(3)", "A1234563", CRM_OK},
	{CRM_KIND_HK_ID, "a1234563", "A1234563", CRM_OK},
	{CRM_KIND_HK_ID, "A123456（4）", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_TW_ID, "A123456789", "A123456789", CRM_OK},
	{CRM_KIND_TW_ID, "A123456788", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_TW_ID, "A423456789", NULL, CRM_REASON_CATEGORY},
	{CRM_KIND_IBAN, "gb82 west 1234 5698 7654 32", "GB82WEST12345698765432", CRM_OK},
	{CRM_KIND_IBAN, "GB82WEST12345698765431", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_IBAN, "GB82WEST1234569876543", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_IBAN, "CN82WEST12345698765432", NULL, CRM_REASON_COUNTRY},
	{CRM_KIND_LEI, "5493001KJTIIGC8Y1R12", "5493001KJTIIGC8Y1R12", CRM_OK},
	{CRM_KIND_LEI, "5493001KJTIIGC8Y1R13", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_BANK_CARD, "4111-1111-1111-1111", "4111111111111111", CRM_OK},
	{CRM_KIND_BANK_CARD, "4111111111111112", NULL, CRM_REASON_CHECK_DIGIT},
	{CRM_KIND_BANK_CARD, "41111111111", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_BANK_CARD, "4111111111111X11", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_PHONE, "+86 138-0013-8000", "+8613800138000", CRM_OK},
	{CRM_KIND_PHONE, "０１３８００１３８０００", "+8613800138000", CRM_OK},
	{CRM_KIND_PHONE, "电话：13800138000", "+8613800138000", CRM_OK},
	{CRM_KIND_PHONE, "tel:+86-138-0013-8000", "+8613800138000", CRM_OK},
	{CRM_KIND_PHONE, "13800138000（张）", "+8613800138000", CRM_OK},
	{CRM_KIND_PHONE, "(010) 8888-8888", "+861088888888", CRM_OK},
	{CRM_KIND_PHONE, "0571-87654321-801", "+8657187654321;ext=801", CRM_OK},
	{CRM_KIND_PHONE, "02038229100转分机101", "+862038229100;ext=101", CRM_OK},
	{CRM_KIND_PHONE, "020-38229100 ext. 101", "+862038229100;ext=101", CRM_OK},
	{CRM_KIND_PHONE, "400-820-8820", "+864008208820", CRM_OK},
	{CRM_KIND_PHONE, "95588", "95588", CRM_OK},
	{CRM_KIND_PHONE, "1064712345678", "+861064712345678", CRM_OK},
	{CRM_KIND_PHONE, "00852 2345 6789", "+85223456789", CRM_OK},
	{CRM_KIND_PHONE, "00000000000", NULL, CRM_REASON_COUNTRY},
	{CRM_KIND_PHONE, "87654321", NULL, CRM_REASON_PREFIX},
	{CRM_KIND_PHONE, "1234", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_PHONE, "1380013800O", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_PHONE, "13800138000/13900139000", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_EMAIL, " A.b+c@Example.COM ", "A.b+c@example.com", CRM_OK},
	{CRM_KIND_EMAIL, "张三@例子.中国", "张三@例子.中国", CRM_OK},
	{CRM_KIND_EMAIL, "\"a b\"@example.com", "\"a b\"@example.com", CRM_OK},
	{CRM_KIND_EMAIL, "a@b@example.com", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_EMAIL, "a@127.0.0.1", NULL, CRM_REASON_FORM},
	{CRM_KIND_EMAIL, "a@-b.com", NULL, CRM_REASON_FORM},
	{CRM_KIND_EMAIL, "a@example.com.", NULL, CRM_REASON_FORM},
	{CRM_KIND_EMAIL, "@example.com", NULL, CRM_REASON_FORM},
	{CRM_KIND_EMAIL, "nobody", NULL, CRM_REASON_FORM},
	{CRM_KIND_POSTAL_CODE, "１００ ０８４", "100084", CRM_OK},
	{CRM_KIND_POSTAL_CODE, "10008", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_POSTAL_CODE, "380000", NULL, CRM_REASON_PREFIX},
	{CRM_KIND_POSTAL_CODE, "860100", "860100", CRM_OK},
	{CRM_KIND_POSTAL_CODE, "861269", NULL, CRM_REASON_PREFIX},
	{CRM_KIND_PERSON_NAME, "　欧阳 娜娜 ", "欧阳娜娜", CRM_OK},
	{CRM_KIND_PERSON_NAME, "阿依夏木．热合曼", "阿依夏木·热合曼", CRM_OK},
	{CRM_KIND_PERSON_NAME, "Anna-Maria O’Brien", "Anna-Maria O'Brien", CRM_OK},
	{CRM_KIND_PERSON_NAME, "Mary St John", "Mary St John", CRM_OK},
	{CRM_KIND_PERSON_NAME, "Mary St. John", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERSON_NAME, "山田 花子", "山田花子", CRM_OK},
	{CRM_KIND_PERSON_NAME, "김철수", "김철수", CRM_OK},
	{CRM_KIND_PERSON_NAME, "张", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_PERSON_NAME, "张San", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERSON_NAME, "·张三", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERSON_NAME, "张··三", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERSON_NAME, "null", NULL, CRM_REASON_FORM},
	{CRM_KIND_PERSON_NAME, "张三2", NULL, CRM_REASON_CHARACTER},
	{CRM_KIND_ORGANIZATION_NAME, "某某（北京） 科技有限公司", "某某(北京)科技有限公司", CRM_OK},
	{CRM_KIND_ORGANIZATION_NAME, "3M  China Ltd.", "3M China Ltd.", CRM_OK},
	{CRM_KIND_ORGANIZATION_NAME, "123", NULL, CRM_REASON_LENGTH},
	{CRM_KIND_ORGANIZATION_NAME, "某某公司\xf0\x9f\x98\x80", NULL, CRM_REASON_CHARACTER},
};

static bool
case_holds(const Case *c)
{
	static CrmVerdict verdict;
	size_t		length = strlen(c->text);
	char	   *exact = malloc(length ? length : 1);	/* reading past it is seen */
	bool		valid;

	memcpy(exact, c->text, length);
	valid = crm_ident_validate(c->kind, exact, length, &verdict);
	free(exact);
	if (!valid)
	{
		if (verdict.reason != c->reason)
			printf("# said %s\n", crm_reason_name(verdict.reason));
		return c->normalized == NULL && verdict.reason == c->reason && verdict.length == 0;
	}
	if (c->normalized == NULL || strcmp(verdict.normalized, c->normalized) != 0)
	{
		printf("# said %s\n", verdict.normalized);
		return false;
	}
	/* What is normalised is its own normal form. */
	return verdict.length == strlen(c->normalized) &&
		crm_ident_validate(c->kind, c->normalized, strlen(c->normalized), &verdict) &&
		strcmp(verdict.normalized, c->normalized) == 0;
}

static void
test_cases(void)
{
	char		what[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		snprintf(what, sizeof(what), "%s: %.100s", crm_kind_name(cases[i].kind), cases[i].text);
		for (char *c = what; *c; c++)
			if (*c == '\t' || *c == '\n' || *c == '#')
				*c = ' ';
		CHECK_AS(case_holds(&cases[i]), what);
	}
}

static const CrmVerdict *
judge(CrmKind kind, const char *text)
{
	static CrmVerdict verdict;

	crm_ident_validate(kind, text, strlen(text), &verdict);
	return &verdict;
}

static void
test_facts(void)
{
	const CrmVerdict *v = judge(CRM_KIND_RESIDENT_ID, "110105491231002");

	CHECK(v->region == 110105 && v->birth_date == 19491231 && v->sex == 'F' && v->was_15_digits);
	CHECK(!v->region_withdrawn);
	v = judge(CRM_KIND_RESIDENT_ID, "13212119800101002X");
	CHECK(v->region_withdrawn && !v->region_withdrawn_before_birth);
	v = judge(CRM_KIND_RESIDENT_ID, "132121201001010024");
	CHECK(v->region_withdrawn && v->region_withdrawn_before_birth);
	v = judge(CRM_KIND_RESIDENT_ID, "810000199303201806");
	CHECK(strcmp(v->type, "residence_permit") == 0 && !v->region_withdrawn);
	v = judge(CRM_KIND_USCC, "91350100M000100Y43");
	CHECK(v->region == 350100 && !v->region_unknown && !v->category_unknown && !v->organization_code_differs);
	v = judge(CRM_KIND_USCC, "91510705MA6TL8J74F");
	CHECK(v->reason == CRM_OK && v->organization_code_differs);
	v = judge(CRM_KIND_USCC, "94220403043338378L");
	CHECK(v->reason == CRM_OK && v->category_unknown);
	v = judge(CRM_KIND_USCC, "92769618308917608R");
	CHECK(v->reason == CRM_OK && v->region_unknown);
	v = judge(CRM_KIND_PHONE, "0571-87654321-801");
	CHECK(strcmp(v->type, "fixed_line") == 0 && strcmp(v->extension, "801") == 0 && strcmp(v->country, "CN") == 0);
	v = judge(CRM_KIND_PHONE, "1064712345678");
	CHECK(strcmp(v->type, "machine") == 0);
	v = judge(CRM_KIND_BANK_CARD, "6222021234567890128");
	CHECK(strcmp(v->network, "unionpay") == 0 && strcmp(v->type, "debit") == 0);
	CHECK(strcmp(v->issuer, "中国工商银行") == 0);
	v = judge(CRM_KIND_BANK_CARD, "4111111111111111");
	CHECK(strcmp(v->network, "visa") == 0 && v->issuer[0] == '\0');
	v = judge(CRM_KIND_TW_ID, "A223456781");
	CHECK(v->sex == 'F');
	v = judge(CRM_KIND_PERSON_NAME, "Mary Lee");
	CHECK(strcmp(v->type, "latin") == 0);
	CHECK(judge(CRM_KIND_COUNT, "x")->reason == CRM_REASON_KIND);
}

static size_t
surname(const char *name)
{
	return crm_person_surname_length(name, strlen(name));
}

static void
test_names(void)
{
	CHECK(surname("张三") == 3);
	CHECK(surname("欧阳娜娜") == 6);
	CHECK(surname("欧阳") == 3);
	CHECK(surname("诸葛亮") == 6);
	CHECK(surname("阿依夏木·热合曼") == 0);
	CHECK(surname("Mary Lee") == 0);
	CHECK(surname("") == 0);
	CHECK(surname("𬜮三") == 4);
}

/* An address and what must come out; "-" leaves a part unchecked. */
typedef struct AddressCase
{
	const char *text;
	int32_t		division;
	const char *district;
	const char *township;
	const char *detail;
	int			candidates;
} AddressCase;

static const AddressCase addresses[] = {
	{"广东省广州市天河区石牌街道天河路385号", 440106, "天河区", "石牌街道", "天河路385号", 0},
	{"广州天河区天河路385号", 440106, "天河区", "", "天河路385号", 0},
	{"广东 广州 天河 石牌街道 天河路385号", 440106, "天河区", "石牌街道", "天河路385号", 0},
	{"廣東省廣州市天河區體育西路１號", 440106, "天河区", "", "体育西路1号", 0},
	{"510620广东省广州市天河区天河路1号", 440106, "天河区", "", "天河路1号", 0},
	{"中国广东省广州市广州市天河区天河路1号", 440106, "天河区", "", "天河路1号", 0},
	{"北京市市辖区朝阳区建国路1号", 110105, "朝阳区", "", "建国路1号", 0},
	{"上海浦东新区世纪大道100号", 310115, "浦东新区", "", "世纪大道100号", 0},
	{"内蒙古呼伦贝尔市鄂伦春自治旗克一河镇1号", 150723, "鄂伦春自治旗", "克一河镇", "1号", 0},
	{"新疆昌吉木垒西湖北街31号", 652328, "木垒哈萨克自治县", "", "西湖北街31号", 0},
	{"河北承德市丰宁县大滩镇1号", 130826, "丰宁满族自治县", "大滩镇", "1号", 0},
	{"四川凉山州西昌市1号", 513401, "西昌市", "", "1号", 0},
	{"湖北省襄樊市襄城区檀溪路1号", 420602, "襄城区", "", "檀溪路1号", 0},
	{"陕西省宝鸡市凤翔县新华南路2号", 610305, "凤翔区", "", "新华南路2号", 0},
	{"四川省荣昌县中山大道9号", 500153, "荣昌区", "", "中山大道9号", 0},
	{"河北省邯郸地区永年县1号", 130408, "永年区", "", "1号", 0},
	{"天门市岳口镇学院路465号", 429006, "天门市", "岳口镇", "学院路465号", 0},
	{"中山市古镇镇香港大街9号", 442000, "", "古镇镇", "香港大街9号", 0},
	{"安徽芜湖建设路473号", 340200, "", "", "建设路473号", 0},
	{"四川省广元市利洲区东坝街道1号", 510802, "利州区", "东坝街道", "1号", 0},
	{"江苏省连云港市州区浦南镇1号", 320706, "海州区", "浦南镇", "1号", 0},
	{"山西省晋中市太谷曲胡村镇1号", 140703, "太谷区", "胡村镇", "1号", 0},
	{"朝阳区朝阳北街544号", 0, "朝阳区", "", "朝阳北街544号", 2},
	{"朝阳区三里屯街道1号", 110105, "朝阳区", "三里屯街道", "1号", 0},
	{"南京路100号", 0, "", "", "南京路100号", 0},
	{"浙江街381号", 0, "", "", "浙江街381号", 0},
	{"收件人：冯某，电话：13900002149，地址：四川省甘孜藏族自治州稻城县木拉乡1号", 513337, "稻城县", "木拉乡", "1号", 0},
	{"江西省赣州市于都县葛坳乡1号 钱某 13900005117", 360731, "于都县", "葛坳乡", "1号", 0},
	{"No. 87 Suzhou Road, Gangbei District, Guigang City, Guangxi", 450802, "港北区", "", "-", 0},
	{"No. 1 Hanyin Road, Hanyin, Ankang City, Shanxi", 610921, "汉阴县", "", "-", 0},
	{"Nowhere Lane 5", 0, "", "", "Nowhere Lane 5", 0},
};

static bool
part_is(const char *part, const char *expected)
{
	return strcmp(expected, "-") == 0 || strcmp(part, expected) == 0;
}

static void
test_addresses(void)
{
	static CrmAddress a;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
	{
		const AddressCase *c = &addresses[i];
		bool		good = crm_address_parse(c->text, strlen(c->text), &a) && a.division == c->division &&
			part_is(a.district, c->district) && part_is(a.township, c->township) &&
			part_is(a.detail, c->detail) && a.candidate_count == c->candidates;

		if (!good)
			printf("# said %d %s|%s|%s|%s|%s, %d candidates\n", (int) a.division, a.province, a.city,
				   a.district, a.township, a.detail, a.candidate_count);
		CHECK_AS(good, c->text);
	}
	CHECK(!crm_address_parse("", 0, &a));
	CHECK(!crm_address_parse("\xff\xfe", 2, &a));
}

/* A normalised text of the longest kind, and one byte more, at the buffer's edge. */
static void
test_lengths(void)
{
	static char text[4 * CRM_NORMALIZED_MAX];
	static CrmAddress address;
	static CrmVerdict verdict;

	for (size_t length = 1; length < sizeof(text); length++)
	{
		memset(text, 'a', length);
		for (int kind = 0; kind < CRM_KIND_COUNT; kind++)
		{
			if (crm_ident_validate(kind, text, length, &verdict) && verdict.length > CRM_NORMALIZED_MAX)
			{
				CHECK_AS(false, "a normalised text fits its buffer");
				return;
			}
		}
		crm_address_parse(text, length, &address);
	}
	CHECK_AS(true, "texts of every length up to 4 kB are judged");
}

static void
test_words(void)
{
	CrmDivisionFacts facts;
	CrmKind		kind;
	bool		good = true;

	for (int i = 0; i < CRM_REASON_COUNT; i++)
		good &= crm_reason_name(i)[0] != '\0' && crm_reason_english(i)[0] != '\0' && crm_reason_chinese(i)[0] != '\0';
	CHECK_AS(good, "every reason has a name and words in two languages");
	for (int i = 0; i < CRM_KIND_COUNT; i++)
		good &= crm_kind_find(crm_kind_name(i), strlen(crm_kind_name(i)), &kind) && (int) kind == i;
	CHECK_AS(good, "every kind is found by its name");
	CHECK(!crm_kind_find("phon", 4, &kind) && !crm_kind_find("phones", 6, &kind));
	CHECK(strcmp(crm_division_name(440106), "天河区") == 0);
	CHECK(strcmp(crm_division_name(132121), "大名县") == 0);
	CHECK(crm_division_facts(110103, &facts) && facts.last_year == 2010 && facts.gone_by == 2010);
	CHECK(crm_division_facts(110221, &facts) && facts.withdrawn && facts.last_year == 0 && facts.gone_by == 2002);
	CHECK(crm_division_facts(440106, &facts) && !facts.withdrawn && facts.gone_by == 0);
	CHECK(crm_division_name(999999) == NULL && crm_division_name(-1) == NULL && crm_division_name(0) == NULL);
}

int
main(void)
{
	test_cases();
	test_facts();
	test_names();
	test_addresses();
	test_words();
	test_lengths();
	return unit_done();
}
