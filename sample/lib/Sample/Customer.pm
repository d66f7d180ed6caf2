package Sample::Customer;

# Customer: the flawless customer of a line, a function of (seed, line) alone.
#
# Whatever identifies a customer (identity number, credit code, permit, mobile
# number, card) is counted out by the line and then scattered, so no two lines
# share one by accident, and nothing has to be remembered.
use strict;
use warnings;

use Exporter 'import';

use Sample::Calendar;
use Sample::Name;
use Sample::Number;
use Sample::Place;
use Sample::Random;

our @EXPORT = qw(customer_columns prepare_customers base_customer customer_kind external_id
	new_mobile written_mobile resident_number);

# Streams and scatterings; a number of its own for each purpose.
use constant {
	KIND         => 1,
	CUSTOMER     => 2,
	RESIDENT     => 10,
	MOBILE       => 11,
	CARD         => 12,
	CREDIT       => 13,
	CREDIT_NEW   => 14,
	TRAVEL       => 15,
	SEQUENCES    => 500,      # sequence numbers of one sex in a region and day
	DAY_STEP     => 7919,     # prime, and no divisor of the number of birth days
	FIRST_YEAR   => 1935,
	LAST_YEAR    => 2008,
};

my @COLUMNS = qw(line kind name document_kind document_number sex birth_date phone email
	bank_card address occupation industry legal_representative contact_name
	external_system external_id);
my @birth_days;

# Number ranges assigned as a whole to public mobile service.
my @MOBILE_RANGES = qw(130 131 132 133 135 136 137 138 139 150 151 152 153 155 156 157 158 159
	166 173 175 176 177 178 180 181 182 183 184 185 186 187 188 189 191 193 195 196 198 199);

# Issuer's prefix and length of the card.
my @CARDS = map { [ split /:/ ] } qw(622848:19 622202:19 621226:19 621661:19 621700:19 622700:19
	622260:19 621096:19 622188:19 622588:16 622580:16 621486:16 622622:16 622670:16 622630:16);

my @MAIL_DOMAINS = qw(example.com example.org example.net example.cn mail.example.com);
my @MAIL_WORDS   = qw(wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo lin
	fang lei ming jing tao hui bo yun qing hai xin yu anna tom leo mia sky sunny happy);
my @OFFICE_WORDS = qw(info office sales service contact hr finance kefu);

sub customer_columns { return @COLUMNS }

sub prepare_customers
{
	@birth_days = days_of_years(FIRST_YEAR, LAST_YEAR);
	return;
}

sub external_id
{
	my ($line) = @_;
	return sprintf 'D%07d', $line;
}

sub customer_kind
{
	my ($line) = @_;
	my $share = fingerprint(KIND, $line) % 100;
	return $share < 88 ? 'individual' : $share < 98 ? 'organization' : 'group';
}

# A resident identity number: region, then sequence, then day count on as the
# line grows, each from a start that looks random.
sub resident_number
{
	my ($line, $sex) = @_;
	my $region = $line % place_count();
	my $round = int($line / place_count());
	my $nth = $round % SEQUENCES;
	my $sequence = ($nth + fingerprint(RESIDENT, $region)) % SEQUENCES;
	my $day = (fingerprint(RESIDENT + 100, $region * SEQUENCES + $nth)
		+ int($round / SEQUENCES) * DAY_STEP) % @birth_days;
	my $body = place_at($region)->{code} . $birth_days[$day]
		. sprintf('%03d', 2 * $sequence + ($sex eq 'M'));
	return $body . resident_check($body);
}

# A credit code registered in the place: category enterprise, the inner
# organization code of the old form (digits) or of the new one (MA...).
sub credit_code
{
	my ($line, $place) = @_;
	my $inner;
	if (chance(400))
	{
		$inner = sprintf '%08d', scatter(CREDIT, $line, 10_000);
	}
	else
	{
		my $rest = scatter(CREDIT_NEW, $line, 31**3);
		$inner = 'MA';
		for (1 .. 6)
		{
			$inner .= uscc_letters()->[ $rest % 31 ];
			$rest = int($rest / 31);
		}
	}
	my $body = '91' . $place->{code} . $inner . organization_check($inner);
	return $body . uscc_check($body);
}

sub bank_card
{
	my ($line) = @_;
	my ($prefix, $length) = @{ pick(\@CARDS) };
	my $body = $prefix . sprintf('%08d', scatter(CARD, $line, 10_000));
	$body .= below(10) while length $body < $length - 1;
	my $card = $body . luhn_check($body);
	return $card unless chance(150);
	return grouped(' ', $card, $length == 16 ? (4, 4, 4, 4) : (4, 4, 4, 4, 3));
}

sub new_mobile
{
	my ($line) = @_;
	return pick(\@MOBILE_RANGES) . sprintf('%08d', scatter(MOBILE, $line, 10_000));
}

# A mobile number the way people type it.
sub written_mobile
{
	my ($mobile) = @_;
	my $form = below(100);
	return $mobile if $form < 60;
	return grouped(' ', $mobile, 3, 4, 4) if $form < 72;
	return grouped('-', $mobile, 3, 4, 4) if $form < 82;
	return "+86$mobile" if $form < 89;
	return '+86 ' . grouped(' ', $mobile, 3, 4, 4) if $form < 95;
	return "0086 $mobile" if $form < 98;
	return full_width($mobile);
}

sub email
{
	my ($words) = @_;
	my $address = pick($words) . pick(['', '.', '_']) . pick(\@MAIL_WORDS) . below(10_000)
		. '@' . pick(\@MAIL_DOMAINS);
	return chance(30) ? uc $address : $address;
}

sub person_name
{
	my ($customer) = @_;
	my $sort = below(1000);
	$customer->{_latin} = $sort < 60;
	return latin_name() if $sort < 60;
	return minority_name() if $sort < 75;
	return chinese_name($customer->{_sex});
}

sub travel_serial
{
	my ($line) = @_;
	return sprintf '%08d', scatter(TRAVEL, $line, 10_000);
}

# Kind and number of the document that a person shows; about one in ten none.
sub show_document
{
	my ($customer, $line) = @_;
	my $sort = below(1000);
	my ($kind, $number) = ('', '');

	if ($customer->{_latin})
	{
		($kind, $number) = ('passport', pick([qw(E G)]) . travel_serial($line)) if $sort < 700;
	}
	elsif ($sort < 880)
	{
		($kind, $number) = ('resident_id', resident_number($line, $customer->{_sex}));
	}
	elsif ($sort < 900)
	{
		($kind, $number) = ('passport', pick([qw(E G)]) . travel_serial($line));
	}
	elsif ($sort < 915)
	{
		($kind, $number) = ('hk_macau_resident_permit', pick([qw(H H M)]) . travel_serial($line));
	}
	elsif ($sort < 925)
	{
		($kind, $number) = ('taiwan_resident_permit', travel_serial($line));
	}
	@$customer{qw(document_kind document_number)} = ($kind, $number);
	return;
}

# Sex and birth date as the document says, or at random when it says nothing.
sub tell_sex_and_birth
{
	my ($customer) = @_;
	my $day = $customer->{document_kind} eq 'resident_id'
		? substr $customer->{document_number}, 6, 8
		: pick(\@birth_days);
	$customer->{birth_date} = chance(900) ? grouped('-', $day, 4, 2, 2) : '';
	$customer->{sex} = chance(900) ? $customer->{_sex} : '';
	return;
}

# Phone, or e-mail, or both: whoever is kept as a customer can be reached.
sub give_contacts
{
	my ($customer, $line, $mobile_share, $place) = @_;
	if (chance($mobile_share))
	{
		$customer->{_mobile} = new_mobile($line);
		$customer->{phone} = written_mobile($customer->{_mobile});
	}
	elsif (chance(700))
	{
		$customer->{phone} = landline_in($place);
	}
	my $words = $customer->{kind} eq 'individual' ? \@MAIL_WORDS : \@OFFICE_WORDS;
	$customer->{email} = email($words) if $customer->{phone} eq '' || chance(550);
	return;
}

sub make_individual
{
	my ($customer, $line) = @_;
	$customer->{_sex} = chance(505) ? 'M' : 'F';
	$customer->{name} = person_name($customer);
	show_document($customer, $line);
	tell_sex_and_birth($customer);

	# Three of five live where they were registered first.
	my $home = chance(600) ? place_at($line % place_count()) : any_place();
	give_contacts($customer, $line, 900, $home);
	$customer->{bank_card} = bank_card($line) if chance(220);
	$customer->{address} = address_in($home) if chance(800);
	$customer->{occupation} = occupation() if chance(650);
	return;
}

sub anybody
{
	return chinese_name(chance(600) ? 'M' : 'F');
}

sub make_organization
{
	my ($customer, $line) = @_;
	my $seat = any_place();
	@$customer{qw(name industry)} = chance(50) ? latin_company() : organization_name($seat);
	@$customer{qw(document_kind document_number)} = ('uscc', credit_code($line, $seat)) if chance(930);
	give_contacts($customer, $line, 500, $seat);
	$customer->{bank_card} = bank_card($line) if chance(150);
	$customer->{address} = address_in($seat) if chance(900);
	$customer->{legal_representative} = anybody() if chance(850);
	$customer->{contact_name} = anybody() if chance(800);
	return;
}

sub make_group
{
	my ($customer, $line) = @_;
	my $seat = any_place();
	$customer->{name} = group_name();
	@$customer{qw(document_kind document_number)} = ('uscc', credit_code($line, $seat)) if chance(400);
	give_contacts($customer, $line, 400, $seat);
	$customer->{address} = address_in($seat) if chance(700);
	$customer->{contact_name} = anybody() if chance(700);
	return;
}

my %MAKE = (
	individual   => \&make_individual,
	organization => \&make_organization,
	group        => \&make_group,
);

# The columns of a line; keys that begin with _ are facts for planting.
sub base_customer
{
	my ($line) = @_;
	my %customer;
	@customer{@COLUMNS} = ('') x @COLUMNS;
	@customer{qw(line kind external_system external_id)} =
		($line, customer_kind($line), 'demo', external_id($line));
	start_stream(CUSTOMER, $line);
	$MAKE{ $customer{kind} }->(\%customer, $line);
	return \%customer;
}

1;
