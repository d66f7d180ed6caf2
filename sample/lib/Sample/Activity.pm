package Sample::Activity;

# Activity: what customers bought and when one talked with them.
#
# Lines to be rejected have none, so that each row finds its customer after
# the import.  All falls into the years 2023 to 2025.
use strict;
use warnings;

use Exporter 'import';

use Sample::Calendar;
use Sample::Customer;
use Sample::Random;

our @EXPORT = qw(purchase_columns interaction_columns purchases interactions prepare_activity);

use constant {
	PURCHASE    => 7,
	INTERACTION => 8,
};

my @days;

# Name, lowest and highest price of one in cents.
my @PRODUCTS = (
	[ '无线耳机', 19900, 129900 ], [ '智能手表', 59900, 299900 ], [ '手机壳', 1900, 9900 ],
	[ '27" 显示器', 89900, 249900 ], [ '数据线, 1 m', 990, 4900 ], [ '笔记本电脑', 349900, 1099900 ],
	[ '空气净化器', 79900, 319900 ], [ '电饭煲', 19900, 89900 ], [ '绿茶礼盒', 9900, 69900 ],
	[ '有机大米 5 kg', 3990, 12900 ], [ '咖啡豆 1 kg', 6900, 24900 ], [ '瑜伽垫', 4900, 29900 ],
	[ '羽绒服', 29900, 159900 ], [ '运动鞋', 19900, 99900 ], [ '儿童绘本套装', 5900, 39900 ],
	[ '宽带年费', 60000, 144000 ], [ '云存储年费', 10800, 39800 ], [ '延长保修', 9900, 59900 ],
	[ '上门安装服务', 8000, 30000 ], [ '会员年费', 9900, 29900 ],
);
my @OFFERS = (
	[ '企业软件许可', 300000, 5000000 ], [ '服务器', 1200000, 9800000 ], [ '专线年费', 600000, 4800000 ],
	[ '办公家具', 80000, 600000 ], [ '培训服务', 150000, 900000 ], [ '维护合同', 240000, 2400000 ],
	[ '打印耗材', 9900, 99900 ], [ '定制开发, 阶段一', 2000000, 9000000 ],
);
my @SHOPS = (('online') x 5, ('app') x 3, ('store') x 4, 'phone', 'partner');

my @WAYS = (('phone') x 6, ('wechat') x 4, ('email') x 2, ('app') x 2, 'sms', 'visit', 'store');
my @SUBJECTS = ('咨询产品功能', '询问价格与优惠', '订单进度查询', '申请售后维修', '投诉配送延迟',
	'发票开具', '回访满意度', '预约上门安装', '修改联系方式', '续约提醒', '建议增加自提点', '节日问候',
	'账单疑问, 要求核对', '询问"以旧换新"活动');
my @OUTCOMES = (('resolved') x 8, ('follow_up') x 3, ('no_answer') x 2, 'ordered', 'escalated', 'declined');

sub purchase_columns
{
	return qw(external_system external_id purchased_on product quantity amount currency channel order_no);
}

sub interaction_columns
{
	return qw(external_system external_id happened_at channel direction subject outcome duration_seconds);
}

sub prepare_activity
{
	@days = map { join '-', unpack 'a4 a2 a2', $_ } days_of_years(2023, 2025);
	return;
}

# As many days as asked, the earliest first.
sub some_days
{
	my ($count) = @_;
	return map { $days[$_] } sort { $a <=> $b } map { below(scalar @days) } 1 .. $count;
}

# Most buy once or twice, a few up to twenty times.
sub purchase_count
{
	my ($is_person) = @_;
	return 0 unless chance($is_person ? 550 : 700);
	my $count = 1;
	$count++ while $count < 20 && chance(680);
	return $count;
}

sub purchase
{
	my ($line, $number, $day, $is_person) = @_;
	my ($product, $least, $most) = @{ pick($is_person ? \@PRODUCTS : \@OFFERS) };
	my $quantity = chance(750) ? 1 : 2 + below(4);
	my $cents = $quantity * ($least + 10 * below(int(($most - $least) / 10) + 1));
	my $currency = chance(970) ? 'CNY' : pick([qw(USD HKD)]);
	my $order = sprintf 'SO%s%07d%02d', $day =~ tr/-//dr, $line, $number;
	return [ 'demo', external_id($line), $day, $product, $quantity,
		sprintf('%d.%02d', $cents / 100, $cents % 100), $currency, pick(\@SHOPS), $order ];
}

sub purchases
{
	my ($line) = @_;
	my $is_person = customer_kind($line) eq 'individual';
	my $number = 0;
	start_stream(PURCHASE, $line);
	return map { purchase($line, ++$number, $_, $is_person) } some_days(purchase_count($is_person));
}

sub interaction
{
	my ($line, $day) = @_;
	my $way = pick(\@WAYS);
	my $direction = chance(620) ? 'inbound' : 'outbound';
	my $outcome = pick(\@OUTCOMES);
	$outcome = 'resolved' if $outcome eq 'no_answer' && $direction eq 'inbound';
	my $time = sprintf '%02d:%02d:%02d', 8 + below(12), below(60), below(60);

	# Only talks have a length, and only where somebody answered.
	my $is_talk = $way =~ /^(?:phone|visit|store)$/ && $outcome ne 'no_answer';
	return [ 'demo', external_id($line), "${day}T$time+08:00", $way, $direction,
		pick(\@SUBJECTS), $outcome, $is_talk ? 20 + below(1800) : '' ];
}

sub interactions
{
	my ($line) = @_;
	start_stream(INTERACTION, $line);
	my $count = 0;
	$count++ while $count < 8 && chance(450);
	return map { interaction($line, $_) } some_days($count);
}

1;
