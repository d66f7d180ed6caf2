package Sample::Name;

# Name: names of persons and organizations, put together at random; nobody
# real is meant by any of them.
use strict;
use warnings;

use Exporter 'import';

use Sample::Random;

our @EXPORT = qw(chinese_name latin_name minority_name organization_name latin_company
	group_name occupation);

# "甲 3 乙 1" as a list in which each word stands as often as its weight says.
sub weighted
{
	my %weight = @_;
	return map { ($_) x $weight{$_} } sort keys %weight;
}

# Weights are about the share of the population in tenths of a percent.
my @SURNAMES = weighted(qw(
	王 72 李 70 张 67 刘 51 陈 45 杨 31 黄 22 赵 21 吴 20 周 19 徐 15 孙 15 马 13 朱 13
	胡 12 郭 12 何 11 高 11 林 11 罗 9 郑 9 梁 9 谢 7 宋 7 唐 7 许 6 韩 6 冯 6 邓 6
	曹 6 彭 5 曾 5 肖 5 田 5 董 5 袁 5 潘 5 于 5 蒋 5 蔡 5 余 4 杜 4 叶 4 程 4 苏 4
	魏 4 吕 4 丁 4 任 4 沈 4 姚 3 卢 3 姜 3 崔 3 钟 3 谭 3 陆 3 汪 3 范 3 金 3 石 3
	廖 3 贾 3 夏 3 韦 3 付 2 方 2 白 2 邹 2 孟 2 熊 2 秦 2 邱 2 江 2 尹 2 薛 2 闫 2
	段 2 雷 2 侯 2 龙 2 史 2 陶 2 黎 2 贺 2 顾 2 郝 2 龚 2 邵 2 万 2 钱 2 严 2
	覃 1 武 1 戴 1 莫 1 孔 1 向 1 汤 1 温 1 康 1 施 1 文 1 牛 1 樊 1 葛 1 邢 1 安 1
	齐 1 易 1 乔 1 伍 1 庞 1 颜 1 倪 1 庄 1 聂 1 章 1 鲁 1 岳 1 翟 1 殷 1 詹 1 申 1
	欧 1 耿 1 关 1 兰 1 焦 1 俞 1 左 1 柳 1 甘 1 祝 1 包 1 宁 1 尚 1 符 1 舒 1 阮 1
	柯 1 纪 1 梅 1 童 1 凌 1 毕 1 单 1 季 1 裴 1 霍 1 涂 1 成 1 苗 1 谷 1 盛 1 曲 1
	欧阳 2 上官 1 司马 1 诸葛 1 皇甫 1 尉迟 1 慕容 1 令狐 1 司徒 1 夏侯 1 端木 1 南宫 1));

my @MALE = weighted(qw(
	伟 9 强 7 军 7 勇 6 杰 7 涛 6 超 5 明 7 刚 4 平 5 辉 5 鹏 5 华 5 飞 4 鑫 4 波 4
	斌 4 宇 6 浩 6 凯 5 健 4 俊 5 帆 3 磊 5 洋 4 建 5 国 5 志 6 文 6 海 4 东 4 峰 4
	龙 4 振 3 子 4 轩 3 梓 3 睿 2 博 3 泽 3 昊 3 天 3 祥 3 庆 3 福 2 林 3 成 3 宏 3
	立 2 永 3 春 2 德 3 家 3 晨 3 航 3 毅 2 翔 3 旭 3 铭 2 嘉 3 瑞 2 恒 2 景 1 彬 2));
my @FEMALE = weighted(qw(
	芳 7 娜 5 敏 7 静 8 丽 8 艳 6 娟 5 霞 5 燕 5 玲 5 婷 7 雪 5 慧 5 莉 4 英 6 梅 4
	红 5 萍 4 颖 4 琳 4 洁 4 玉 5 秀 4 兰 4 桂 3 倩 4 欣 4 怡 4 佳 4 梦 3 琪 3 雨 3
	晓 4 思 3 涵 3 诗 2 可 2 馨 2 悦 3 瑶 3 蕾 3 薇 2 珍 3 凤 3 云 3 月 2 春 3 淑 3
	菲 2 璐 2 岚 1 媛 2 珊 2 露 2 文 2 嘉 2 子 2 宁 2 美 2 琴 3 翠 1 彩 1 素 1 爱 1));

# Combinations that everybody would take for one well-known person.
my %WELL_KNOWN = map { $_ => 1 } qw(李强 王毅 姚明 刘翔 成龙 李娜 李宁 马云 丁磊 王健林);

my @MINORITY_GIVEN = qw(阿里木 买买提 艾力 吐尔逊 努尔 热合曼 阿不都 库尔班 依明 玉素甫
	迪力夏提 艾山 古丽 阿依夏木 热孜万 帕提古丽 阿曼古丽 茹仙 米娜瓦尔 迪丽努尔);
my @MINORITY_FATHER = qw(买买提 艾力 吐尔逊 热合曼 库尔班 依明 玉素甫 阿布都拉 尼亚孜 肉孜
	卡德尔 司马义 沙吾提 达吾提 哈斯木 铁木尔 赛买提 艾合买提);
my @TIBETAN = qw(扎西 次仁 卓玛 平措 顿珠 央金 格桑 多吉 旺堆 德吉 拉姆 尼玛);

my @LATIN_GIVEN = qw(Anna Michael Laura Thomas Sofia Daniel Julia Peter Elena Martin Emma David
	Maria James Clara Lucas Nina Paul Eva Andreas José Zoë Jürgen Chloé Anna-Maria Jean-Luc
	Ingrid Oliver Hannah Marco);
my @LATIN_SURNAMES = qw(Fischer Novak Bennett Rossi Lindqvist Moreau García Müller Kowalski Hansen
	O'Neill Silva Weber Dubois Becker Carter Jansen Costa Berg Schneider Wagner Horvat Nilsson
	Tanaka Lee Kim Nguyen Patel Clarke Murray);

my @BRANDS = map { my $first = $_; map { $first . $_ } qw(泽 辰 岚 朗 霖 川 澜 越 衡 拓 诺 翼 晟 屹 舟 桐) }
	qw(瑞 锦 泓 睿 骏 昱 璟 沐 笙 翊 恒 卓 宸 铭 景 颐 启 云 德 鼎);
my @LATIN_BRANDS = ('Northfield', 'Blue Harbor', 'Silverline', 'Eastgate', 'Redwood Bay',
	'Lindenhof', 'Starling', 'Greenmark', 'Kestrel', 'Westmere');
my @LATIN_FORMS = ('Trading Co., Ltd.', 'Technology Ltd.', 'Logistics GmbH', 'Foods Inc.',
	'(China) Co., Ltd.', 'Consulting Co., Ltd.');

# Word in the name => section of GB/T 4754 (industrial classification).
my @TRADES = (
	[ '科技' => '信息传输、软件和信息技术服务业' ], [ '软件' => '信息传输、软件和信息技术服务业' ],
	[ '信息技术' => '信息传输、软件和信息技术服务业' ], [ '网络科技' => '信息传输、软件和信息技术服务业' ],
	[ '贸易' => '批发和零售业' ], [ '商贸' => '批发和零售业' ], [ '食品' => '制造业' ],
	[ '机械' => '制造业' ], [ '电子' => '制造业' ], [ '医疗器械' => '制造业' ], [ '建材' => '制造业' ],
	[ '建筑工程' => '建筑业' ], [ '装饰工程' => '建筑业' ], [ '物流' => '交通运输、仓储和邮政业' ],
	[ '餐饮管理' => '住宿和餐饮业' ], [ '物业管理' => '房地产业' ], [ '企业管理咨询' => '租赁和商务服务业' ],
	[ '文化传媒' => '文化、体育和娱乐业' ], [ '教育咨询' => '教育' ], [ '农业开发' => '农、林、牧、渔业' ],
	[ '环保工程' => '水利、环境和公共设施管理业' ], [ '新能源' => '电力、热力、燃气及水生产和供应业' ],
);

my @OCCUPATIONS = qw(教师 工程师 会计 医生 护士 司机 销售员 公务员 农民 工人 个体经营者 学生 退休
	律师 设计师 程序员 厨师 服务员 自由职业者 企业管理人员 技术员 行政人员);

sub occupation { return pick(\@OCCUPATIONS) }

sub chinese_name
{
	my ($sex) = @_;
	my $given = $sex eq 'M' ? \@MALE : \@FEMALE;
	my $surname = pick(\@SURNAMES);
	my $first = pick($given);
	return $surname . $first if chance(200) && !$WELL_KNOWN{"$surname$first"};
	return $surname . (chance(5) ? ' ' : '') . $first . pick($given);
}

sub latin_name
{
	return pick(\@LATIN_GIVEN) . ' ' . pick(\@LATIN_SURNAMES);
}

# Names with the dot between the parts, now and then typed as a bullet, and
# names without a surname.
sub minority_name
{
	return pick(\@TIBETAN) . pick(\@TIBETAN) if chance(200);
	return pick(\@MINORITY_GIVEN) . (chance(60) ? '•' : '·') . pick(\@MINORITY_FATHER);
}

# Name and industry of a company seated in the place.
sub organization_name
{
	my ($place) = @_;
	my $region = $place->{city_stem} ne '' ? $place->{city_stem} : $place->{province_stem};
	my $seat = $place->{city} ne '' ? $place->{city} : $place->{province};
	my $brand = pick(\@BRANDS);
	my ($trade, $industry) = @{ pick(\@TRADES) };
	my $form = below(100);

	return ("$seat$brand${trade}有限公司", $industry) if $form < 50;
	return ("$brand（$region）${trade}有限公司", $industry) if $form < 62;
	return ("$brand($region)${trade}有限公司", $industry) if $form < 68;
	return ("$brand${trade}股份有限公司", $industry) if $form < 80;
	return ("$brand${trade}集团有限公司$region分公司", $industry) if $form < 90;
	return ("$brand${trade}集团有限公司", $industry);
}

sub latin_company
{
	my ($industry) = pick(\@TRADES)->[1];
	my $brand = pick(\@LATIN_BRANDS);
	$brand = qq("$brand") if chance(150);
	return ($brand . ' ' . pick(\@LATIN_FORMS), $industry);
}

sub group_name
{
	return pick(\@BRANDS) . pick([qw(控股集团 实业集团 投资集团 集团)]);
}

1;
