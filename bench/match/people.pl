#!/usr/bin/perl
# people.pl KIND RECORDS SEED OUT: synthetic persons with known truth, for measuring
# matching: OUT.csv, and OUT_truth.csv with id,cluster_id.  Nobody in them is real.
#
# KIND  historical  persons of other centuries: names in four columns, heavy noise,
#                   clusters of one to sixteen records
#       chinese     names, identity numbers, phones, addresses; households
use strict;
use warnings;

my ($kind, $records, $seed, $out) = @ARGV;
die "usage: people.pl historical|chinese RECORDS SEED OUT\n" unless defined $out;
my $state = $seed * 2654435761 % 4294967296;

sub uniform { $state = ($state * 1664525 + 1013904223) % 4294967296; return $state / 4294967296 }
sub below { int(uniform() * $_[0]) }
sub pick { $_[ below(scalar @_) ] }
sub chance { uniform() < $_[0] }

# Frequencies as those of names: the r-th of n has a share of about 1/(r + 5).
sub zipf { my ($list) = @_; my $n = @$list; return $list->[ int(6 * (($n + 5) / 6)**uniform()) - 6 ] // $list->[0] }

sub typo {
	my ($word) = @_;
	my $n = length $word;
	return $word if $n < 2;
	my $at = below($n);
	my $letter = chr(97 + below(26));
	my $how = below(4);
	if ($how == 0) { substr($word, $at, 1) = $letter }
	elsif ($how == 1) { substr($word, $at, 1) = '' }
	elsif ($how == 2) { substr($word, $at, 0) = $letter }
	elsif ($at + 1 < $n) { substr($word, $at, 2) = reverse substr($word, $at, 2) }
	return $word;
}

my (@rows, @head);

# -- persons of other centuries --------------------------------------------------

sub historical {
	@head = qw(full_name first_and_surname first_name surname dob birth_place postcode_fake gender occupation);
	my @begin = qw(ash black brad brough carl chat clif cot dal dray east el fair gar gran hal har hart hol hut
	  kel lang lind lock mar mor nor oak pem pres rad red ross row sand shel stan stock sut thorn wad wal wes whit wil win wood yar);
	my @end = qw(ton ford ley wood ham by den well worth field man son combe hurst more wick gate stone cliff er ing land mere shaw);
	my @surnames = map { my $b = $_; map { "$b$_" } @end } @begin;
	@surnames = sort { uniform() <=> .5 } @surnames;
	my @men = qw(william john thomas george james henry charles robert edward richard joseph arthur frederick samuel alfred
	  francis walter david alexander herbert benjamin daniel albert hugh philip edmund peter andrew stephen ernest matthew
	  michael patrick harold percy ralph christopher archibald gilbert lionel reginald cecil leonard roger nicholas simon);
	my @women = qw(mary elizabeth anne margaret jane sarah catherine alice emily florence charlotte eleanor frances harriet
	  helen dorothy edith ellen caroline julia lucy martha louisa amelia rose clara agnes isabella maud beatrice);
	my %short = (william => 'bill', thomas => 'tom', robert => 'bob', richard => 'dick', henry => 'harry', john => 'jack',
		edward => 'ned', charles => 'charlie', elizabeth => 'liz', margaret => 'meg', catherine => 'kate', joseph => 'joe',
		samuel => 'sam', alexander => 'alex', frederick => 'fred', james => 'jim', frances => 'fanny', dorothy => 'dolly');
	my @places = map { my $b = $_; map { "$b$_" } qw(bury chester mouth ham ford ton port stead) } qw(ald brid cam dun ever
	  frod gles hex ips kid lud malm new ot pet roch salt tam wey yeo);
	my @jobs = qw(politician writer painter military_officer composer priest botanist lawyer actor cricketer engineer
	  physician banker poet architect explorer chemist judge sculptor merchant diplomat footballer publisher clergyman);
	s/_/ / for @jobs;
	my $person = 0;
	my $last;
	while (@rows < $records) {
		$person++;
		my %p;
		$p{gender} = chance(.8) ? 'male' : 'female';
		$p{first} = $p{gender} eq 'male' ? zipf(\@men) : zipf(\@women);
		$p{middle} = chance(.35) ? ($p{gender} eq 'male' ? zipf(\@men) : zipf(\@women)) : '';
		$p{surname} = zipf(\@surnames);
		$p{place} = zipf(\@places);
		$p{year} = 1600 + below(330);
		@p{qw(month day)} = chance(.15) ? (1, 1) : (1 + below(12), 1 + below(28));
		$p{job} = zipf(\@jobs);
		if ($last && chance(.15)) {    # a relative: name and place of the one before
			@p{qw(surname place)} = @$last{qw(surname place)};
			$p{year} = $last->{year} + below(60) - 30;
			$p{job} = $last->{job} if chance(.5);
		}
		$p{second} = chance(.3) ? zipf(\@surnames) : $p{surname};    # title, maiden name
		$p{area} = substr($p{place}, 0, 2);
		my $town = 1 + below(25);
		$p{posts} = [ map { my $t = chance(.75) ? $town : 1 + below(25); "$p{area}$t " . below(10) . chr(97 + below(26)) . chr(97 + below(26)) } 1 .. 1 + below(4) ];
		$p{places} = [ $p{place}, chance(.4) ? zipf(\@places) : $p{place} ];
		$last = \%p;
		my $size = 1 + int(15 * uniform()**1.3);
		for (1 .. $size) {
			my ($first, $surname, $middle) = ($p{first}, $p{surname}, $p{middle});
			$first = $short{$first} if $short{$first} && chance(.12);
			$first = $p{middle} if $p{middle} && chance(.05);
			$first = typo($first) if chance(.06);
			$first = substr($first, 0, 1) if chance(.02);
			$surname = $p{second} if chance(.2);
			$surname = typo($surname) if chance(.1);
			($first, $surname) = ($surname, $first) if chance(.01);
			$first = '' if chance(.02);
			$surname = '' if $first ne '' && chance(.02);
			$middle = '' if chance(.4);
			my $full = join ' ', grep { $_ ne '' } $first, $middle, $surname;
			$full .= ", 1st baron $p{second}" if $p{second} ne $p{surname} && chance(.3);
			my ($y, $m, $d) = @p{qw(year month day)};
			($m, $d) = (1, 1) if chance(.18);
			$d = 1 + below(28) if chance(.08);
			$m = 1 + below(12) if chance(.06);
			$y += pick(-1, 1, 10, -10, below(9) - 4) if chance(.12);
			my $dob = chance(.13) ? '' : sprintf '%04d-%02d-%02d', $y, $m, $d;
			my $place = chance(.06) ? '' : chance(.8) ? $p{places}[0] : $p{places}[1];
			$place = typo($place) if chance(.05);
			my $post = chance(.12) ? '' : pick(@{ $p{posts} });
			$post = typo($post) if chance(.06);
			push @rows, [ $person, $full, join(' ', grep { $_ ne '' } $first, $surname), $first, $surname, $dob, $place, $post,
				chance(.2) ? '' : $p{gender}, chance(.25) ? '' : chance(.1) ? zipf(\@jobs) : $p{job} ];
		}
	}
}

# -- persons of today's China -------------------------------------------------------

sub chinese {
	@head = qw(name gender birth_date id_number phone email address);
	my @surnames = split //, utf('王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常');
	my @given = split //, utf('伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文斌建红梅玲宇浩然子轩梓涵雨欣怡佳俊鹏飞晨阳志海波云龙凤琴雪莲春晓东亮辉鑫博睿思琪诗瑶嘉豪天翔');
	my %same = map { my @c = split //, utf($_); map { my $a = $_; $a => [ grep { $_ ne $a } @c ] } @c } qw(伟玮炜 静婧靖 丽莉 磊蕾 军君俊 洋阳扬 杰捷 娟涓 明铭 英瑛 文雯 红虹 梅玫 宇羽 浩皓昊 子梓 怡仪宜 佳嘉 晨辰 志智 波博 睿瑞);
	my @cities = map { utf($_) } qw(济南市历下区:山东省:370102 青岛市市南区:山东省:370202 杭州市西湖区:浙江省:330106 宁波市鄞州区:浙江省:330212
	  广州市天河区:广东省:440106 深圳市南山区:广东省:440305 成都市锦江区:四川省:510104 绵阳市涪城区:四川省:510703 武汉市洪山区:湖北省:420111
	  长沙市岳麓区:湖南省:430104 南京市玄武区:江苏省:320102 苏州市姑苏区:江苏省:320508 郑州市金水区:河南省:410105 洛阳市涧西区:河南省:410305
	  西安市雁塔区:陕西省:610113 合肥市蜀山区:安徽省:340104 福州市鼓楼区:福建省:350102 厦门市思明区:福建省:350203 石家庄市长安区:河北省:130102
	  沈阳市和平区:辽宁省:210102 大连市中山区:辽宁省:210202 哈尔滨市南岗区:黑龙江省:230103 长春市朝阳区:吉林省:220104 昆明市盘龙区:云南省:530103);
	my @roads = map { utf($_) } qw(人民路 解放路 中山路 建设路 和平路 新华路 文化路 胜利路 长江路 黄河路 友谊路 青年路 花园路 公园路 朝阳路 幸福路 团结路 创业路 学府路 振兴路 迎宾路 南京路 北京路 滨河路);
	my @estates = map { utf($_) } qw(阳光花园 金色家园 绿地新城 翠湖小区 紫荆公寓 丽景苑 御龙湾 春江花园 和谐家园 锦绣小区 碧水苑 万科城 恒大名都 保利花园 龙湖苑);
	my %weight; my @w = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2);
	my $person = 0;
	my $home;
	while (@rows < $records) {
		$person++;
		my %p;
		$p{surname} = zipf(\@surnames);
		if ($home && chance(.25)) { @p{qw(surname city road no estate b u r)} = @$home{qw(surname city road no estate b u r)}; $p{shared} = $home->{phone} if chance(.3) }
		else {
			@p{qw(city road no estate b u r)} = (pick(@cities), pick(@roads), 1 + below(2000), chance(.7) ? pick(@estates) : '',
				1 + below(30), 1 + below(4), (1 + below(30)) * 100 + 1 + below(6));
		}
		$p{given} = join '', map { zipf(\@given) } 1 .. (chance(.75) ? 2 : 1);
		$p{gender} = chance(.5) ? utf('男') : utf('女');
		my @d = (1940 + below(68), 1 + below(12), 1 + below(28));
		$p{birth} = sprintf '%04d-%02d-%02d', @d;
		my ($city, $province, $code) = split /:/, $p{city};
		my $id = sprintf '%06d%04d%02d%02d%03d', $code, @d, below(1000);
		my $sum = 0;
		$sum += substr($id, $_, 1) * $w[$_] for 0 .. 16;
		$p{id} = $id . substr('10X98765432', $sum % 11, 1);
		$p{phone} = $p{shared} // sprintf '1%s%08d', pick(qw(38 39 35 36 37 50 51 58 59 86 87 88 89 77 80 81)), below(100000000);
		$p{email} = chance(.5) ? sprintf('%d@qq.com', 100000000 + below(900000000)) : sprintf('user%06d@%s', below(1000000), pick('163.com', '126.com', 'sina.com'));
		$home = \%p;
		my $size = chance(.55) ? 1 : chance(.6) ? 2 : 3 + below(2);
		for (1 .. $size) {
			my $given = $p{given};
			if (chance(.08)) { my $at = below(length $given); my $to = $same{ substr($given, $at, 1) }; substr($given, $at, 1) = pick(@$to) if $to }
			$given = substr($given, 0, 1) if length $given > 1 && chance(.04);
			my $name = chance(.05) ? $p{surname} . pick(utf('先生'), utf('女士'), utf('总'), utf('经理')) : $p{surname} . $given;
			my $birth = $p{birth};
			$birth =~ tr/-/\//  if chance(.1);
			$birth =~ tr/-//d if chance(.1);
			my $number = $p{id};
			if (chance(.06)) { my $at = 6 + below(11); substr($number, $at, 1) = below(10) }
			$number = substr($number, 0, 6) . substr($number, 8, 9) if chance(.04) && substr($number, 6, 2) eq '19' && length $number == 18;
			my $phone = chance(.12) ? sprintf('1%s%08d', pick(qw(38 39 35 50 86)), below(100000000)) : $p{phone};
			$phone = "+86$phone" if chance(.1);
			$phone =~ s/(\d{3})(\d{4})(\d{4})$/$1-$2-$3/ if chance(.1);
			my $door = chance(.5) ? "$p{b}" . utf('号楼') . $p{u} . utf('单元') . $p{r} . utf('室') : "$p{b}-$p{u}-$p{r}";
			my $address = (chance(.6) ? $province : '') . $city . $p{road} . $p{no} . utf('号') . ($p{estate} ne '' && chance(.9) ? $p{estate} : '') . (chance(.9) ? $door : '');
			if (chance(.08)) { my ($c) = split /:/, pick(@cities); $address = $c . pick(@roads) . (1 + below(2000)) . utf('号') }
			push @rows, [ $person, $name, chance(.15) ? '' : $p{gender}, chance(.25) ? '' : $birth, chance(.3) ? '' : $number,
				chance(.12) ? '' : $phone, chance(.6) ? '' : chance(.08) ? typo($p{email}) : $p{email}, chance(.15) ? '' : $address ];
		}
	}
}

sub utf { my ($s) = @_; utf8::decode($s) unless utf8::is_utf8($s); return $s }

{ no strict 'refs'; die "no such kind\n" unless $kind =~ /^(historical|chinese)$/; &$kind() }
for (my $i = $#rows; $i > 0; $i--) { my $j = below($i + 1); @rows[ $i, $j ] = @rows[ $j, $i ] }
open my $data, '>:utf8', "$out.csv" or die $!;
open my $truth, '>', "${out}_truth.csv" or die $!;
print $data join(',', 'id', @head), "\n";
print $truth "id,cluster_id\n";
my $id = 0;
for my $row (@rows) {
	$id++;
	my ($person, @cell) = @$row;
	print $data join(',', $id, map { /[,"]/ ? do { (my $t = $_) =~ s/"/""/g; "\"$t\"" } : $_ } @cell), "\n";
	print $truth "$id,$person\n";
}
