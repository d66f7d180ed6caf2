package Sample::Place;

# Place: divisions of places.tsv, landlines and addresses in them.
use strict;
use warnings;

use Exporter 'import';

use Sample::Number;
use Sample::Random;

our @EXPORT = qw(load_places place_count place_at any_place address_in street_address landline_in);

my @places;

# No word here begins the name of a division, so that an address without a
# division cannot be read as one of, say, 解放区 or 友谊县.
my @ROADS = map { my $name = $_; map { $name . $_ } qw(路 街 大道) }
	qw(人民 体育 建设 文化 学院 科技 创业 迎宾 滨河 环城 工业 育才 朝晖 春风 青年
	枫叶 胜利 幸福 团结 朝霞 劳动 兴盛 发展 观海 桂花 银杏 梧桐 翠竹 映月 锦绣);
my @ESTATES = qw(翠湖花园 阳光嘉园 锦绣华庭 金色家园 书香名邸 清波苑 枫林新里 百合苑
	星河湾 紫荆苑 香樟雅苑 和谐家园 丽景公寓 怡居小区 听涛居 兰亭苑);
my @TOWERS = qw(科技园 创业大厦 国际广场 财富中心 商务中心 工业园 软件园 时代大厦);

# The part of a division's name that people say: 广东省 - 广东, 深圳市 - 深圳.
sub stem
{
	my ($name) = @_;
	$name =~ s/(?:(?:维吾尔|壮族|回族)?自治区|省|市)$//;
	return $name;
}

sub load_places
{
	my ($path) = @_;
	my @rows;
	open my $in, '<:raw', $path or die "generate: $path: $!\n";
	my $header = <$in>;
	while (my $row = <$in>)
	{
		chomp $row;
		my %place;
		@place{qw(code province city district area_code phone_digits)} = split /\t/, $row, -1;
		$place{province_stem} = stem($place{province});
		$place{city_stem} = stem($place{city});
		push @rows, \%place;
	}
	close $in;
	die "generate: $path holds no places\n" unless @rows;
	@places = shuffled(100, @rows);
	return;
}

sub place_count { return scalar @places }
sub place_at    { return $places[ $_[0] ] }
sub any_place   { return pick(\@places) }

# Road, number, building and room, without any division.
sub street_address
{
	my $number = 1 + below(980);
	my $room = (1 + below(30)) . sprintf('%02d', 1 + below(6));
	my $house = 1 + below(40);
	my $form = below(10);
	my $road = pick(\@ROADS);

	return "$road${number}号" if $form < 2;
	return "$road${number}号" . pick(\@ESTATES) . "${house}栋" . (1 + below(4)) . "单元${room}室" if $form < 5;
	return "$road${number}号院${house}号楼${room}" if $form < 7;
	return "$road${number}弄${house}号${room}室" if $form < 8;
	return "$road${number}号" . pick(\@TOWERS) . pick([qw(A B C D)]) . "座${room}室";
}

# Province, city and district as people write them.
sub division_text
{
	my ($place) = @_;
	my $form = below(100);
	my @full = grep { $_ ne '' } @$place{qw(province city district)};

	return join ' ', @full if $form < 4;
	return $place->{province_stem} . $place->{city_stem} . $place->{district} if $form < 16;
	return $place->{city} . $place->{district} if $form < 26 && $place->{city} ne '';
	return join '', @full;
}

sub address_in
{
	my ($place) = @_;
	my $address = division_text($place) . street_address();
	return chance(20) ? full_width($address) : $address;
}

# A landline as it is written; empty where the area code is not known.
sub landline_in
{
	my ($place) = @_;
	my $area = $place->{area_code};
	return '' if $area eq '';
	my $number = join '', 2 + below(7), map { below(10) } 2 .. $place->{phone_digits};
	my $form = below(10);

	return "$area$number" if $form < 2;
	return "($area) $number" if $form < 3;
	return '（' . full_width($area) . '）' . full_width($number) if $form < 4;
	return '+86 ' . substr($area, 1) . ' ' . $number if $form < 5;
	return "$area-$number转" . (801 + below(99)) if $form < 6;
	return "$area-$number";
}

1;
