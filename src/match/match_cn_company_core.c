/*
 * match_cn_company_core.c: comparison kind cn_company_name.  The law builds a
 * company's name from region, brand (字号), industry and form, with the branch
 * behind it (企业名称登记管理规定); records leave parts out, and companies of one
 * brand in two regions, or a branch and its parent, are not the same.
 */
#include "ident/ident_core.h"
#include "ident/ident_division_core.h"
#include "match_cn_core.h"
#include "match_pinyin_core.h"
#include "match_text_core.h"

#define BRAND_POINTS 24
#define NAME_BYTES 480
#define NAME_POINTS (NAME_BYTES / 3)

typedef enum CompanyLevel
{
	COMPANY_MISSING,
	COMPANY_EXACT,
	COMPANY_FORM,
	COMPANY_NO_REGION,
	COMPANY_HOMOPHONE,
	COMPANY_SIMILAR,
	COMPANY_SHORT,
	COMPANY_BRAND,
	COMPANY_DIFFERENT,
	COMPANY_REGION_CONFLICT,
	COMPANY_BRANCH_CONFLICT
} CompanyLevel;

static const char *const company_level[] = {
	"missing", "exact", "form", "no_region", "homophone", "similar", "short", "brand",
	"different", "region_conflict", "branch_conflict", NULL
};

typedef enum CompanyFamily
{
	FAMILY_NAME,
	FAMILY_REGION,
	FAMILY_SOUND,
	FAMILY_BRAND
} CompanyFamily;

static const char *const company_family[] = {"name", "brand_region", "brand_sound", "brand", NULL};

/* Forms, as bits: 有限公司, 有限责任公司 and 公司 are one. */
#define FORM_COMPANY 1
#define FORM_STOCK 2
#define FORM_GROUP 4
#define FORM_OTHER 8

/* The prepared value; count pairs of character and syllable of the brand follow. */
typedef struct CompanyHead
{
	uint64_t	brand;
	uint64_t	sound;
	uint64_t	industry;		/* hash of all its words, 0 when there is none */
	uint64_t	branch;			/* 0 for the company itself */
	int32_t		region;			/* division, 0 when there is none */
	uint32_t	trade;			/* hash of the industry's first word, 0 when there is none */
	uint8_t		form;
	uint8_t		count;
	bool		latin;
} CompanyHead;

typedef struct BrandPoint
{
	uint32_t	point;
	uint16_t	syllable;
	uint16_t	soft;
} BrandPoint;

typedef struct Company
{
	CompanyHead head;
	BrandPoint	point[BRAND_POINTS];
} Company;

/* A part of the name, as bytes. */
typedef struct Part
{
	const char *text;
	size_t		length;
} Part;

/* Words of forms, the longer ones first. */
typedef struct FormWord
{
	const char *word;
	int			form;
} FormWord;

static const FormWord form_word[] = {
	{"股份有限责任公司", FORM_COMPANY | FORM_STOCK}, {"集团股份有限公司", FORM_COMPANY | FORM_STOCK | FORM_GROUP},
	{"集团有限责任公司", FORM_COMPANY | FORM_GROUP}, {"股份有限公司", FORM_COMPANY | FORM_STOCK},
	{"有限责任公司", FORM_COMPANY}, {"集团有限公司", FORM_COMPANY | FORM_GROUP}, {"有限合伙企业", FORM_OTHER},
	{"股份合作公司", FORM_COMPANY | FORM_STOCK}, {"股份公司", FORM_COMPANY | FORM_STOCK}, {"集团公司", FORM_COMPANY | FORM_GROUP},
	{"有限公司", FORM_COMPANY}, {"责任公司", FORM_COMPANY}, {"合伙企业", FORM_OTHER}, {"有限合伙", FORM_OTHER},
	{"普通合伙", FORM_OTHER}, {"特殊普通合伙", FORM_OTHER}, {"个人独资", FORM_OTHER}, {"总公司", FORM_COMPANY},
	{"公司", FORM_COMPANY}, {"集团", FORM_GROUP}, {"股份", FORM_STOCK}, {"有限", FORM_COMPANY}, {NULL, 0}
};

static const char *const latin_form[] = {
	"coltd", "limited", "company", "incorporated", "corporation", "corp", "inc", "llc", "ltd", "gmbh", "plc",
	"co", "sa", "ag", "kk", NULL
};

/* Words that end the name of a branch. */
static const char *const branch_word[] = {
	"分公司", "子公司", "分行", "支行", "分店", "办事处", "代表处", "营业部", "营业厅", "营业所", "分厂", "分部", "分校",
	"分院", "分社", "分所", "分中心", "项目部", "门市部", "直营店", "专卖店", "旗舰店", "服务部", "联络处", NULL
};

/*
 * Words of industries, as names of companies use them (the groups of GB/T 4754).
 * Several may follow each other: 网络 科技, 建筑 装饰 工程.
 */
static const char *const industry_word[] = {
	"供应链管理", "供应链", "信息技术", "电子商务", "电子科技", "网络科技", "生物科技", "生物技术", "智能科技", "文化传媒",
	"文化传播", "文化发展", "农业发展", "农业科技", "教育咨询", "教育科技", "管理咨询", "商务咨询", "企业管理", "投资管理",
	"资产管理", "物业管理", "物业服务", "餐饮管理", "酒店管理", "餐饮服务", "商业管理", "工程管理", "健康管理", "医疗器械",
	"医疗科技", "医疗美容", "机械设备", "机电设备", "机械制造", "汽车销售", "汽车服务", "汽车贸易", "汽车租赁", "汽车零部件",
	"房地产开发", "房地产经纪", "房地产", "建筑工程", "建筑劳务", "建筑材料", "建筑安装", "建筑装饰", "装饰工程", "装饰设计",
	"装饰装修", "园林绿化", "园林景观", "市政工程", "环保科技", "环保工程", "环境科技", "环境工程", "新材料科技", "新材料",
	"新能源科技", "新能源", "国际贸易", "国际物流", "国际旅行社", "进出口贸易", "进出口", "货运代理", "货物运输", "物流运输",
	"广告传媒", "广告设计", "广告传播", "展览展示", "会展服务", "人力资源", "劳务派遣", "融资租赁", "融资担保", "小额贷款",
	"商业保理", "私募基金", "股权投资", "创业投资", "证券投资", "数据科技", "数字科技", "大数据", "软件开发", "软件科技",
	"软件", "科技发展", "科技", "技术开发", "技术服务", "技术", "网络", "信息", "通信", "通讯", "电子", "电器", "电气", "电力",
	"电商", "电缆", "半导体", "光电", "智能", "数码", "数据", "传媒", "传播", "文化", "影视", "广告", "设计", "策划", "会展", "展览",
	"教育", "培训", "咨询", "顾问", "管理", "投资", "控股", "实业", "产业", "企业", "商贸", "贸易", "经贸", "工贸", "商务", "商业",
	"零售", "批发", "百货", "超市", "连锁", "服装", "服饰", "纺织", "针织", "制衣", "鞋业", "皮革", "箱包", "家纺", "家居", "家具",
	"家电", "食品", "饮料", "粮油", "酒业", "茶业", "茶叶", "乳业", "餐饮", "酒店", "宾馆", "饭店", "旅行社", "旅游", "农业", "农牧",
	"牧业", "渔业", "水产", "养殖", "种业", "种植", "林业", "园林", "园艺", "生态", "环保", "环境", "化工", "化学", "涂料", "塑料",
	"塑胶", "橡胶", "玻璃", "陶瓷", "水泥", "建材", "钢铁", "钢结构", "金属", "五金", "铝业", "铜业", "矿业", "煤业", "能源",
	"石油", "石化", "燃气", "热力", "水务", "光伏", "电池", "机械", "机电", "设备", "装备", "仪器", "仪表", "模具", "制造", "汽车",
	"汽配", "摩托车", "船舶", "航空", "航运", "物流", "运输", "货运", "快递", "速递", "仓储", "包装", "印刷", "造纸", "纸业", "医药",
	"药业", "制药", "大药房", "药房", "医疗", "生物", "健康", "养老", "美容", "美发", "化妆品", "日化", "保健", "体育", "健身",
	"娱乐", "游戏", "动漫", "玩具", "礼品", "工艺品", "珠宝", "首饰", "眼镜", "钟表", "置业", "地产", "物业", "房产", "建筑", "建设",
	"建工", "工程", "装饰", "装修", "装潢", "安装", "路桥", "市政", "消防", "安防", "保安", "保洁", "家政", "劳务", "服务", "租赁",
	"典当", "拍卖", "担保", "保险", "保险经纪", "证券", "基金", "期货", "银行", "金融", "财务", "税务", "会计师事务所", "律师事务所",
	"知识产权", "专利", "检测", "认证", "勘察", "测绘", "监理", "造价", "招标", "代理", "经纪", "中介", "销售", "营销", "发展",
	"开发", "经营", "加工", "维修", "回收", "再生资源", "资源", "合作社", "工作室", "事务所", "研究院", "研究所", "医院", "门诊部",
	"诊所", "学校", "幼儿园", "俱乐部", "中心", "商行", "商店", "经营部", "门市", "厂", NULL
};

static bool
ends_with(Part part, const char *word, size_t bytes)
{
	return bytes <= part.length && memcmp(part.text + part.length - bytes, word, bytes) == 0;
}

/* Bytes of the first of the words that the part ends with, else 0. */
static size_t
ends_with_any(Part part, const char *const *words)
{
	for (; *words != NULL; words++)
	{
		size_t		bytes = strlen(*words);

		if (ends_with(part, *words, bytes))
			return bytes;
	}
	return 0;
}

/* Regions */

static bool
lies_in(int32_t code, int32_t above)
{
	if (above == 0 || code == above)
		return true;
	return above % 10000 == 0 ? code / 10000 == above / 10000 : above % 100 == 0 && code / 100 == above / 100;
}

/*
 * Bytes of the division at the front of the text, the longest that lies in the one
 * above: any by its full name, provinces and cities by their stem too.  The stem of
 * a county is too often a brand.
 */
static size_t
region_at(Part part, int32_t above, int32_t *code)
{
	size_t		found = 0;
	size_t		key = 6;

	if (part.length < key || (unsigned char) part.text[0] < 0xE0 || (unsigned char) part.text[3] < 0xE0)
		return 0;
	for (int place = crm_division_name_from(part.text, key);; place++)
	{
		int			row = crm_division_by_name(place);
		const DivisionRow *here;
		const char *name;
		size_t		bytes;

		if (row < 0 || strncmp(crm_division_row_name(row), part.text, key) != 0)
			return found;
		here = crm_division_row_at(row);
		name = crm_division_row_name(row);
		bytes = strlen(name);
		if (bytes > part.length || memcmp(part.text, name, bytes) != 0)
		{
			bytes = here->code % 100 == 0 ? here->stem : 0;
			if (bytes < 6 || bytes > part.length || memcmp(part.text, name, bytes) != 0)
				continue;
		}
		/* 河南市 is written for 河南, by machines at least. */
		if (bytes == here->stem && bytes + 3 <= part.length &&
			(memcmp(part.text + bytes, "市", 3) == 0 || memcmp(part.text + bytes, "省", 3) == 0))
			bytes += 3;
		if (crm_division_row_old(row) || !lies_in(here->code, above) || bytes < found ||
			(bytes == found && here->code > *code))
			continue;
		found = bytes;
		*code = here->code;
	}
}

/* Take the region off the front, province then city then county. */
static void
take_region(Part *part, int32_t *region)
{
	for (int steps = 0; steps < 3; steps++)
	{
		int32_t		code = 0;
		size_t		bytes = region_at(*part, *region, &code);

		if (bytes == 0 || bytes + 3 > part->length)
			return;
		*region = code;
		part->text += bytes;
		part->length -= bytes;
	}
}

/* Folding */

/* What a name is taken apart from: folded, and what stood in brackets. */
typedef struct Folded
{
	char		text[NAME_BYTES + 8];
	size_t		length;
	char		bracket[NAME_BYTES + 8];
	size_t		bracket_length;
} Folded;

static void
fold_company(const char *text, size_t length, Folded *folded)
{
	bool		inside = false;

	folded->length = folded->bracket_length = 0;
	for (size_t i = 0; i < length && folded->length < NAME_BYTES && folded->bracket_length < NAME_BYTES;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (bytes == 0)
			break;
		i += bytes;
		point = crm_match_fold(point);
		if (point == '(' || point == '[' || point == 0x3010)
			inside = true;
		else if (point == ')' || point == ']' || point == 0x3011)
			inside = false;
		else if (!(crm_is_han(point) || (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') ||
				   (point >= 0xC0 && point < 0x2000) || (point > 0x3040 && point < 0x3100) || point == '&'))
			continue;
		else if (inside)
			folded->bracket_length += crm_utf8_encode(point, folded->bracket + folded->bracket_length);
		else
			folded->length += crm_utf8_encode(point, folded->text + folded->length);
	}
}

/* Taking a name apart */

typedef struct Parts
{
	Part		brand;
	Part		industry;
	Part		branch;
	int32_t		region;
	int			form;
} Parts;

/* Where the branch begins that a word at the end tells of; it follows a 公司, or is 第N or a place. */
static size_t
branch_start(Part part, size_t word)
{
	size_t		end = part.length - word;

	for (size_t at = end; at >= 6; at--)
	{
		if (memcmp(part.text + at - 6, "公司", 6) == 0)
			return at;
	}
	for (size_t back = 6; back <= 12 && back <= end; back += 3)
	{
		if (memcmp(part.text + end - back, "第", 3) == 0)
			return end - back;
	}
	for (size_t back = 15; back >= 6; back -= 3)
	{
		Part		place = {part.text + end - back, back};
		int32_t		code = 0;

		if (back + 6 <= end && region_at(place, 0, &code) == back)
			return end - back;
	}
	return end;
}

static void
take_branch(Part *part, Part *branch)
{
	size_t		word = ends_with_any(*part, branch_word);
	size_t		start;

	if (word == 0 || part->length < word + 6)
		return;
	start = branch_start(*part, word);
	if (start < 6)
		return;
	branch->text = part->text + start;
	branch->length = part->length - start;
	part->length = start;
}

static void
take_form(Part *part, int *form)
{
	const FormWord *word = form_word;

	while (word->word != NULL)
	{
		size_t		bytes = strlen(word->word);

		if (!ends_with(*part, word->word, bytes) || part->length < bytes + 3)
		{
			word++;
			continue;
		}
		part->length -= bytes;
		*form |= word->form;
		word = form_word;
	}
	for (const char *const *latin = latin_form; *latin != NULL; latin++)
	{
		size_t		bytes = strlen(*latin);

		if (!ends_with(*part, *latin, bytes) || part->length < bytes + 3 ||
			(unsigned char) part->text[0] >= 0x80)
			continue;
		part->length -= bytes;
		*form |= FORM_COMPANY;
	}
}

/* Words of industries at the end, leaving at least one character for the brand. */
static void
take_industry(Part *part, Part *industry)
{
	size_t		whole = part->length;
	size_t		bytes;

	while ((bytes = ends_with_any(*part, industry_word)) > 0 && part->length >= bytes + 3)
		part->length -= bytes;
	/* One character is rarely a brand; then the first word was part of it. */
	if (part->length < 6 && whole > part->length)
	{
		Part		again = {part->text, whole};

		part->length = whole;
		bytes = ends_with_any(again, industry_word);
		if (whole - bytes >= 6)
			part->length = whole - bytes;
	}
	industry->text = part->text + part->length;
	industry->length = whole - part->length;
}

/* What a bracket says: a region, a form, or a branch. */
static void
read_bracket(Folded *folded, Parts *parts)
{
	Part		inside = {folded->bracket, folded->bracket_length};
	int32_t		code = 0;
	size_t		bytes = region_at(inside, 0, &code);

	if (bytes > 0 && bytes == inside.length)
		parts->region = code;
	else if (ends_with_any(inside, branch_word) > 0)
		parts->branch = inside;
	else if (ends_with(inside, "集团", 6))
		parts->form |= FORM_GROUP;
	else if (ends_with(inside, "合伙", 6))
		parts->form |= FORM_OTHER;
}

static bool
take_apart(Folded *folded, Parts *parts)
{
	Part		name = {folded->text, folded->length};
	Part		before;
	int32_t		region = 0;

	memset(parts, 0, sizeof(*parts));
	if (name.length > 6 && memcmp(name.text, "中国", 6) == 0)
	{
		name.text += 6;
		name.length -= 6;
	}
	if (folded->bracket_length > 0)
		read_bracket(folded, parts);
	take_branch(&name, &parts->branch);
	take_form(&name, &parts->form);
	before = name;
	take_region(&name, &region);
	take_industry(&name, &parts->industry);
	/* A region with nothing behind it was the brand. */
	if (region != 0 && name.length < 6 && parts->industry.length == 0)
	{
		name = before;
		region = 0;
		take_industry(&name, &parts->industry);
	}
	if (parts->region == 0 || (region != 0 && lies_in(region, parts->region)))
		parts->region = region;
	parts->brand = name;
	return name.length > 0;
}

/* Preparing */

static uint64_t
hash_part(Part part, uint64_t seed)
{
	return part.length == 0 ? 0 : crm_match_hash(part.text, part.length, seed);
}

/* The first word of the industry tells the trade: 餐饮 of 餐饮管理. */
static uint32_t
trade_hash(Part industry)
{
	size_t		bytes = industry.length < 6 ? industry.length : 6;

	return bytes == 0 ? 0 : (uint32_t) crm_match_hash(industry.text, bytes, 9) | 1;
}

static void
brand_points(Part brand, Company *company)
{
	uint32_t	points[BRAND_POINTS];
	size_t		count = crm_text_points(brand.text, brand.length, points, BRAND_POINTS);
	uint64_t	sound = 13;

	company->head.count = (uint8_t) count;
	company->head.latin = true;
	for (size_t i = 0; i < count; i++)
	{
		int			syllable = crm_pinyin(points[i]);

		company->point[i].point = points[i];
		company->point[i].syllable = (uint16_t) syllable;
		company->point[i].soft = (uint16_t) crm_pinyin_soft(syllable);
		company->head.latin &= syllable == 0;
		sound = crm_match_mix(sound + (syllable != 0 ? (uint64_t) syllable : points[i] + 1000));
	}
	company->head.sound = sound;
}

static size_t
company_prepare(const CrmMatchArg *arg, const char *text, size_t length, unsigned char *out, size_t room)
{
	Folded		folded;
	Parts		parts;
	Company		company;
	size_t		bytes;

	(void) arg;
	fold_company(text, length, &folded);
	if (!take_apart(&folded, &parts))
		return 0;
	memset(&company.head, 0, sizeof(company.head));
	company.head.brand = hash_part(parts.brand, 1);
	company.head.industry = hash_part(parts.industry, 2);
	company.head.branch = hash_part(parts.branch, 3);
	company.head.trade = trade_hash(parts.industry);
	company.head.region = parts.region;
	company.head.form = (uint8_t) parts.form;
	brand_points(parts.brand, &company);
	bytes = company.head.count * sizeof(BrandPoint);
	if (sizeof(CompanyHead) + bytes > room)
		return 0;
	memcpy(out, &company.head, sizeof(CompanyHead));
	memcpy(out + sizeof(CompanyHead), company.point, bytes);
	return sizeof(CompanyHead) + bytes;
}

/* Comparing */

typedef enum BrandNearness
{
	BRAND_SAME,
	BRAND_SOUND,
	BRAND_SIMILAR,
	BRAND_OTHER
} BrandNearness;

static BrandNearness
latin_nearness(const Company *a, const Company *b)
{
	uint32_t	x[BRAND_POINTS];
	uint32_t	y[BRAND_POINTS];

	for (int i = 0; i < a->head.count; i++)
		x[i] = a->point[i].point;
	for (int i = 0; i < b->head.count; i++)
		y[i] = b->point[i].point;
	return crm_jaro_winkler(x, a->head.count, y, b->head.count) >= 0.93 ? BRAND_SIMILAR : BRAND_OTHER;
}

/* Brands of one length: by sound, or all but one character the same. */
static BrandNearness
han_nearness(const Company *a, const Company *b)
{
	int			alike = 0;
	int			near = 0;

	if (a->head.count != b->head.count)
		return BRAND_OTHER;
	for (int i = 0; i < a->head.count; i++)
	{
		const BrandPoint *x = &a->point[i];
		const BrandPoint *y = &b->point[i];

		if (x->point == y->point)
			alike++;
		else if ((x->soft != 0 && x->soft == y->soft) || crm_look_alike(x->point, y->point))
			near++;
	}
	if (alike + near == a->head.count)
		return BRAND_SIMILAR;
	return alike == a->head.count - 1 && alike > 0 ? BRAND_SIMILAR : BRAND_OTHER;
}

static BrandNearness
brand_nearness(const Company *a, const Company *b)
{
	if (a->head.brand == b->head.brand)
		return BRAND_SAME;
	if (a->head.sound == b->head.sound)
		return BRAND_SOUND;
	return a->head.latin && b->head.latin ? latin_nearness(a, b) : han_nearness(a, b);
}

static bool
regions_agree(int32_t a, int32_t b)
{
	return a == 0 || b == 0 || lies_in(a, b) || lies_in(b, a);
}

/* Brand and industry are the same: what is left is region and form. */
static CompanyLevel
compare_same(const CompanyHead *a, const CompanyHead *b)
{
	if ((a->region == 0) != (b->region == 0))
		return COMPANY_NO_REGION;
	return a->form == b->form ? COMPANY_EXACT : COMPANY_FORM;
}

static int
company_compare(const CrmMatchArg *arg, const unsigned char *left, size_t a_length,
				const unsigned char *right, size_t b_length)
{
	Company		a;
	Company		b;
	BrandNearness near;
	bool		trade;

	(void) arg;
	memcpy(&a.head, left, sizeof(CompanyHead));
	memcpy(&b.head, right, sizeof(CompanyHead));
	memcpy(a.point, left + sizeof(CompanyHead), a_length - sizeof(CompanyHead));
	memcpy(b.point, right + sizeof(CompanyHead), b_length - sizeof(CompanyHead));
	near = brand_nearness(&a, &b);
	if (near == BRAND_OTHER)
		return COMPANY_DIFFERENT;
	if (!regions_agree(a.head.region, b.head.region))
		return near == BRAND_SAME ? COMPANY_REGION_CONFLICT : COMPANY_DIFFERENT;
	trade = a.head.trade == b.head.trade;
	if (a.head.branch != b.head.branch)
		return near == BRAND_SIMILAR && !trade ? COMPANY_DIFFERENT : COMPANY_BRANCH_CONFLICT;
	if (near == BRAND_SAME && a.head.industry == b.head.industry)
		return compare_same(&a.head, &b.head);
	if (near == BRAND_SAME)
		return trade || a.head.trade == 0 || b.head.trade == 0 ? COMPANY_SHORT : COMPANY_BRAND;
	if (!trade)
		return COMPANY_DIFFERENT;
	return near == BRAND_SOUND ? COMPANY_HOMOPHONE : COMPANY_SIMILAR;
}

/* Terms and keys */

static uint64_t
company_term(const unsigned char *value, size_t length, int level)
{
	CompanyHead head;

	(void) length;
	memcpy(&head, value, sizeof(head));
	switch (level)
	{
		case COMPANY_EXACT:
		case COMPANY_FORM:
		case COMPANY_NO_REGION:
			return crm_match_mix(head.brand + head.industry) | 1;
		case COMPANY_HOMOPHONE:
			return head.sound;
		case COMPANY_SHORT:
		case COMPANY_BRAND:
			return head.brand;
		default:
			return 0;
	}
}

static int
add_key(CrmMatchKey *key, int used, int room, int family, uint64_t hash)
{
	if (used == room)
		return used;
	key[used].family = family;
	key[used].hash = crm_match_mix(hash + (uint64_t) family);
	return used + 1;
}

static int
company_keys(const unsigned char *value, size_t length, CrmMatchKey *key, int room)
{
	CompanyHead head;
	int			used = 0;

	(void) length;
	memcpy(&head, value, sizeof(head));
	used = add_key(key, used, room, FAMILY_NAME, crm_match_mix(head.brand + head.industry));
	if (head.region != 0)
		used = add_key(key, used, room, FAMILY_REGION, crm_match_mix(head.brand + (uint64_t) (head.region / 10000)));
	used = add_key(key, used, room, FAMILY_SOUND, crm_match_mix(head.sound + head.trade));
	return add_key(key, used, room, FAMILY_BRAND, head.brand);
}

/* The folded name as SQL shows it: region, brand, industry and branch; forms are left out. */
size_t
crm_fold_company_name(const char *text, size_t length, char *out, size_t room)
{
	Folded		folded;
	Parts		parts;
	const char *region;
	size_t		used = 0;

	fold_company(text, length, &folded);
	if (!take_apart(&folded, &parts))
		return 0;
	region = parts.region == 0 ? "" : crm_division_name(parts.region);
	if (strlen(region) + parts.brand.length + parts.industry.length + parts.branch.length > room)
		return 0;
	memcpy(out, region, strlen(region));
	used = strlen(region);
	memcpy(out + used, parts.brand.text, parts.brand.length);
	used += parts.brand.length;
	memcpy(out + used, parts.industry.text, parts.industry.length);
	used += parts.industry.length;
	if (parts.branch.length > 0)
		memcpy(out + used, parts.branch.text, parts.branch.length);
	return used + parts.branch.length;
}

const CrmMatchKind crm_match_cn_company_name = {
	"cn_company_name", company_level, company_family, company_prepare, company_compare, company_term, company_keys
};
