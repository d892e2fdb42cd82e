#!/usr/bin/perl
# A small Report Manager proxy, written from docs/protocol.md and fixtures/ alone; README.md says what it
# leaves out. One process, one loop, no forking, everything in memory.
use strict;
use warnings;
use Getopt::Long;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SHUT_WR);
BEGIN { unshift @INC, __FILE__ =~ m{(.*)/}s ? $1 : '.' }
use RmMessages;

my %opt = (host => '127.0.0.1', port => 8412, jar => '127.0.0.1:8402', connections => 300,
    'idle-seconds' => 1800, 'mid-frame-seconds' => 30, 'jar-seconds' => 10, 'work-seconds' => 0);
GetOptions(\%opt, 'host=s', 'port=i', 'jar=s', 'little', 'connections=i', 'idle-seconds=f',
    'mid-frame-seconds=f', 'jar-seconds=f', 'work-seconds=f') && !@ARGV
    or print(STDERR "usage: rm_proxy.pl [--port N] [--host ADDRESS] [--jar HOST:PORT] [--little]\n"), exit 2;

# The common header (HDR-02): version, length, echo, session key, type, serial, status. The serial stays
# octets, since no meaning is read into it. Then: octets of the header, template of the length.
my ($HEADER, $SIZE, $LENGTH) = $opt{little} ? ('C V C a16 C a4 C', 28, 'V') : ('C N C a32 C a8 n', 49, 'N');
my ($FRAME, $BULK_FRAME, $HELD, $DAY) = (16 << 20, 1 << 20, 65_536, 86_400);
my $TICKS = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub now { return (POSIX::times())[0] / $TICKS }    # no clock that somebody sets
sub stamp { return POSIX::strftime('%Y-%m-%d %H:%M', gmtime) }

# ---- The data: those of the worked examples, and what the printed messages name. `products`: each with the
# direction that the template has for it.
my (%template, %report, %result);
for my $row ([1, 'Longest Calls', 'Monitor Usage', 'R', 'U', 'TI VO', 'TVS', '1 2 36 67'],
    [11, 'Longest Calls', 'Financial', 'R', 'P', 'VO', 'ODS', '36 44 58 67'],
    [15, 'Usage Summary', 'Financial', 'R', 'P', 'VB', 'ODS', '36 58 61 67'],
    [22, 'State Summary', 'Marketing', 'R', 'P', 'VO', 'ODS', '36 54 58 67'],
    [31, 'Priced Calls', 'Call Detail', 'D', 'P', 'VO', 'ODS', '36 44 54 58'],
    [90, 'City Summary', 'Analyze Traffic', 'R', 'P', 'SB', 'ODS', '54 55 67 62 36 61 58 63 64 66 65'],
    [94, 'Review Calls', 'Analyze Traffic', 'R', 'P', 'SB', 'ODS', '36 44 54 58']) {
    my $known = $template{ $row->[0] } = {};
    @$known{qw(STDRPTID title CATEGORY type datacat products server COLUMNS)} = @$row;
    @$known{qw(DESCRIPTION description)} = $row->[0] == 94 ? ('', 'no') : ("The $row->[1] of a period", 'yes');
}
my %rows = (PL_TIMEZONE => '<44~CENTRAL STANDARD TIME><45~EASTERN STANDARD TIME>',
    PL_ACCESS => '<1~SHARED><4~CARD>', PL_RANGE => '<A~LOCAL><F~FOREIGN>', PL_USAGE => '<4~DIRECT><5~OPERATOR>',
    PL_LANG => '<1234~AMERICAN ENGLISH><1236~SPANISH>', PL_CURR => '<2345~AMERICAN DOLLAR>');
my @screens = (['Report', qw(USERRPTID STDRPTID PRODUCT CATEGORY NAME DESCRIPTION STATUS)],
    ['Schedule', qw(SCHEDULE SCHEDTYPE START END TIMEZONE:PL_TIMEZONE ACTIVE)],
    ['Criteria', qw(COLUMNS:PL_FIELDS SORTBY BILLING:PL_HIER OACCESS:PL_ACCESS TOTALMODE LANG:PL_LANG)]);
my $last_result = time * 1_000_000;    # so that identifiers of an earlier run are not given again
my $last_report = 245;
$report{245} = { USERRPTID => 245, owner => 'jeanvnet2,00022924', STDRPTID => 1, PRODUCT => 'T',
    NAME => 'My calls', CATEGORY => 'Mine', ACTIVE => 0, STATUS => 'S', date => stamp() };

# ---- Execution (step 8): the parameters of the answer behind ERROR, or a code.
sub plain { my ($text) = @_; $text =~ tr/,~=/ /; return $text }    # CAT-05
sub by_category {
    my ($members, @rows) = @_;
    my (%group, @order);
    for my $row (@rows) {
        my $category = plain($row->{CATEGORY});
        push @order, $category if !$group{$category};
        push @{ $group{$category} }, '<' . join(',', map { plain($row->{$_}) } @$members) . '>';
    }
    return @rows ? ('REPORTS=' . join ',', map { "<$_=" . join(',', @{ $group{$_} }) . '>' } @order) : 6109;
}
sub nodes {
    my ($known, $report) = @_;
    my $level = 0;
    return ("ID=$known->{STDRPTID}", map {
        my ($label, @controls) = @$_;
        $level++;
        "NODE$level=<$level,$label,$level," . join(',', map {
            my ($name, $list) = split /:/;
            my $value = is_empty($report->{$name} // '') ? $known->{$name} // '' : $report->{$name};
            $value =~ s/<.*//s if $name eq 'SCHEDULE';
            $value = join ' ', @{ members($value) } if $name =~ /COLUMNS|SORTBY|OACCESS/;
            "<$name," . ($name eq 'BILLING' ? $value : plain($value)) . ',' . ($list // '') . '>';
        } @controls) . '>';
    } @screens);
}
sub keep_report {
    my ($row, %more) = @_;
    return 6107 if !$more{USERRPTID} && $last_report >= 2_147_483_647;
    my $id = $more{USERRPTID} || ++$last_report;
    my $state = $more{ACTIVE} && $row->{SCHEDULE} ? 'R' : 'S';
    my $date = $more{USERRPTID} && $row->{STATUS} eq $state ? $row->{date} : stamp();
    $report{$id} = { %$row, %more, USERRPTID => $id, STATUS => $state, date => $date };
    return "USERRPTID=$id";
}
sub execute {
    my ($name, $v, $who, $list) = @_;
    if ($name eq 'GRTL') {
        my ($product, $way) = @$v{qw(PRODUCT IO)};
        my $wanted = $way eq 'B' ? $product : "${product}[B$way]";
        return by_category([qw(title STDRPTID type)], grep { $_->{products} =~ $wanted
            && $_->{datacat} eq $v->{DATACAT} && ($v->{DATATYPE} eq 'A' || $_->{type} eq $v->{DATATYPE}) }
            map { $template{$_} } sort { $a <=> $b } keys %template);
    }
    if ($name eq 'GURL') {
        return by_category([qw(NAME USERRPTID ACTIVE type date)], map { { %{ $template{ $_->{STDRPTID} } }, %$_ } }
            grep { $_->{owner} eq $who && $_->{STDRPTID} == $v->{RPTTMPID} && $_->{PRODUCT} eq $v->{PRODUCT}
            && $template{ $_->{STDRPTID} }{datacat} eq $v->{DATACAT} }
            map { $report{$_} } sort { $a <=> $b } keys %report);
    }
    return $rows{$list} ? "$list=$rows{$list}" : 6109 if $name eq 'GPL';
    if ($name eq 'ARD') {
        my %columns = map { $_ => 1 } split / /, $template{ $v->{STDRPTID} + 0 }{COLUMNS};
        my @named = map { /([0-9]+)/ } map { @{ members($v->{$_}) } } qw(COLUMNS SORTBY SUBTOTCOL);
        return 6103 if grep { !$columns{$_} } @named;
        return keep_report($v, STDRPTID => $v->{STDRPTID} + 0, owner => $who, ACTIVE => $v->{ACTIVE} || 0);
    }
    my $id = ($v->{USERRPTID} // $v->{REPORTID}) + 0;
    return $template{$id} ? nodes($template{$id}, {}) : 6109 if $name eq 'GRTD';
    my $mine = $report{$id};
    return 6109 if !$mine || $mine->{owner} ne $who;
    return nodes($template{ $mine->{STDRPTID} }, $mine) if $name eq 'GURD';
    return keep_report($mine, NAME => $v->{NAME}, ACTIVE => 0, USERRPTID => 0) if $name eq 'CRD';
    return keep_report($mine, ACTIVE => $v->{ACTIVE}, USERRPTID => $id) if $name eq 'URS';
    delete $report{$id};
    return "USERRPTID=$id";
}

# What the conditions of the tables ask (the facts of the catalogue).
sub facts_of {
    my ($id, $product) = @_;
    my $known = $id =~ /\A[0-9]{1,10}\z/ && $template{ $id + 0 };
    my ($io) = $known && $product =~ /\A[A-Z]\z/ ? $known->{products} =~ /$product(.)/ : ();
    return { timezones => join(' ', $rows{PL_TIMEZONE} =~ /<(\d+)~/g), io => $io // '',
        map { $_ => $io ? $known->{$_} : '' } qw(server datacat description) };
}

# The status and the message with which a customer's message is answered (ERR-02).
sub answer {
    my ($octets, $who) = @_;
    my ($code, $name, $inner) = syntax($octets);
    my $echo = $name =~ /\A[^>,=\x01]{1,8}\z/ ? $name : '';
    return (100, "$echo<ERROR=$code>") if $code;
    $echo = 'METADATA' if $name eq '' && ((fields($inner))[1] // [''])->[0] eq 'METADATA';
    my $acronym = reply_to($name) // return (100, "$echo<ERROR=6104>");
    ($code, my $values, my $list) = judge($name, $inner, \&facts_of);
    my ($user, $enterprise) = split /,/, $who;
    $code = 6115 if !$code && (($values->{USERID} // $user) ne $user    # step 7
        || ($values->{ENTPID} // $enterprise) ne $enterprise
        || $name eq 'ARD' && !facts_of(@$values{qw(STDRPTID PRODUCT)})->{io});
    my @told = $code || execute($name, $values, $who, $list);
    return (100, "$acronym<ERROR=$told[0]>") if $told[0] =~ /\A[0-9]/;
    return (0, "$acronym<" . join(',', 'ERROR=0', @told) . '>');
}

# ---- The wire (HDR, TRN). A connection: octets `in` and `out`; `busy` while the jar is asked; `last` when
# nothing more is read as frames; `since` when the unfinished frame began; `quiet` when octets last moved.
my (%conn, $stopping);
my $listener = IO::Socket::INET->new(LocalAddr => $opt{host}, LocalPort => $opt{port}, Listen => 128, ReuseAddr => 1,
    Blocking => 0) or print(STDERR "rm_proxy.pl: cannot listen on $opt{host} $opt{port}: $!\n"), exit 2;

sub keep { my %new = (in => '', out => '', quiet => now(), @_); return $conn{ fileno $new{sock} } = \%new }
sub drop { my ($conn) = @_; delete $conn{ fileno $conn->{sock} }; close $conn->{sock} }
sub send_frame {
    my ($conn, $status, $frame, $data) = @_;
    $data //= '';
    $frame = { key => '', type => 0, serial => '' } if $status == 101 || $status == 102;    # HDR-06
    $conn->{out} .= pack($HEADER, 1, $SIZE + length $data, 0, @$frame{qw(key type serial)}, $status) . $data;
    $conn->{last} = 1 if $status == 101 || $status == 102 || $frame->{type} =~ /\A[12]\z/;
}

# Judges what has come in, in the order of HDR-03.
sub advance {
    my ($conn) = @_;
    while (!$conn->{busy} && !$conn->{last} && length $conn->{in}) {
        my $have = length $conn->{in};
        if (ord $conn->{in} != 1) { send_frame($conn, 101); last }
        last if $have < 5;
        my $length = unpack "x $LENGTH", $conn->{in};
        my %frame;
        @frame{qw(version length echo key type serial)} = unpack $HEADER, $conn->{in} if $have >= $SIZE;
        my $most = ($frame{type} // 0) == 3 ? $BULK_FRAME : $FRAME;
        if ($length < $SIZE || $length > $most) { send_frame($conn, 102); last }
        last if $have < $length;
        my $octets = substr $conn->{in}, 0, $length, '';
        @$conn{qw(since quiet)} = (undef, now());
        if ($frame{echo}) { $conn->{out} .= $octets }
        elsif ($conn->{crowd}) { send_frame($conn, 111, \%frame); $conn->{last} = 1 }
        elsif ($frame{type} > 2) { send_frame($conn, 107, \%frame) }    # no bulk: README.md
        else { ask_jar($conn, { %frame, data => substr $octets, $SIZE }) }
    }
    $conn->{since} //= now() if length $conn->{in} && !$conn->{busy};
    $conn->{last} = 1 if !$conn->{busy} && ($conn->{ended} || $stopping);
    return if !$conn->{last} || length $conn->{out};
    return drop($conn) if $conn->{ended};
    shutdown $conn->{sock}, SHUT_WR if !$conn->{closing};    # ERR-07: what still comes is read away
    $conn->{closing} //= now() + 2;
}

# Asks the cookie jar whose session a key is (HDR-11, WEB-09), on a connection of its own.
sub ask_jar {
    my ($conn, $frame) = @_;
    (my $key = $frame->{key}) =~ s/\0+\z//;
    return judged($conn, $frame, 105) if $key eq '' || $key =~ /[<>,\x01]/;
    my $sock = IO::Socket::INET->new(PeerAddr => $opt{jar}, Blocking => 0) or return judged($conn, $frame, 106);
    $conn->{busy} = keep(sock => $sock, out => "CKG<KEY=$key>", for => $conn, frame => $frame);
}
sub jar_said {
    my ($asked, $over) = @_;
    my $told = $asked->{in} =~ s/\A[\r\n\0 |]+//r;
    return if !$over && length $told < $HELD && ($told !~ /[<>]/ || $told =~ tr/<// > $told =~ tr/>//);
    drop($asked);
    my ($code, $name, $inner) = syntax($told);
    my %said = $code || $name ne 'CKGA' ? () : map { $_->[0] => strip($_->[1]) } fields($inner, {});
    my $status = { 0 => 0, 6109 => 105 }->{ $said{ERROR} // '' } // 106;
    $status = 106 if !$status && grep { ($said{$_} // '') eq '' } qw(USERID ENTPID);
    judged($asked->{for}, $asked->{frame}, $status, join ',', map { $_ // '' } @said{qw(USERID ENTPID)});
}

# Goes on with a frame of which it is known whose it is, or with which status it is refused.
sub judged {
    my ($conn, $frame, $status, $who) = @_;
    my $result = $result{ $frame->{data} };
    if ($status) { send_frame($conn, $status, $frame) }
    elsif ($frame->{type} == 0) {
        my ($outcome, $message) = answer($frame->{data}, $who);
        send_frame($conn, $outcome, $frame, $message);
    }
    elsif ($frame->{type} == 1) {    # a repetition is not recognised: README.md
        my $id = sprintf '%020d', ++$last_result;
        $result{$id} = { who => $who, data => $frame->{data}, at => now() + $opt{'work-seconds'} };
        send_frame($conn, 1, $frame, $id);
    }
    elsif (!$result || $result->{who} ne $who) { send_frame($conn, 108, $frame) }
    elsif (!$result->{answer}) { send_frame($conn, 2, $frame) }
    else { send_frame($conn, $result->{answer}[0], $frame, $result->{answer}[1]) }
    advance($conn) if delete $conn->{busy};    # else it is advancing
}

sub readable {
    my ($conn) = @_;
    my $count = sysread $conn->{sock}, $conn->{in}, $HELD, length $conn->{in};
    return if !defined $count && $!{EAGAIN};
    $conn->{quiet} = now();
    $conn->{in} = '' if $conn->{last};
    $conn->{ended} = 1 if !$count;
    $conn->{for} ? jar_said($conn, !$count) : advance($conn);
}
sub writable {
    my ($conn) = @_;
    my $count = syswrite $conn->{sock}, $conn->{out};
    return if !defined $count && $!{EAGAIN};
    @$conn{qw(quiet ended)} = (now(), $conn->{ended} || !defined $count);
    substr $conn->{out}, 0, $count // length $conn->{out}, '';
    $conn->{for} ? !defined $count && jar_said($conn, 1) : advance($conn);
}
sub timers {
    my $now = now();
    for my $id (keys %result) {
        my $result = $result{$id};
        if (!$result->{answer}) { $result->{answer} = [answer(@$result{qw(data who)})] if $result->{at} <= $now }
        elsif ($result->{at} < $now - $DAY) { delete $result{$id} }
    }
    for my $conn (values %conn) {
        if ($conn->{for}) { jar_said($conn, 1) if $conn->{quiet} < $now - $opt{'jar-seconds'} }
        elsif ($conn->{busy}) { }
        elsif ($conn->{closing} ? $conn->{closing} < $now
            : $conn->{since} ? $conn->{since} < $now - $opt{'mid-frame-seconds'}
            : $conn->{quiet} < $now - $opt{'idle-seconds'}) { drop($conn) }
        elsif ($stopping) { advance($conn) }
    }
}

$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { $stopping = 1 };
$| = 1;
printf "listening rm %s %d\nready\n", $listener->sockhost, $listener->sockport;
while (!$stopping || %conn) {
    $listener = undef if $stopping;
    my $read = IO::Select->new($listener // (), map { $_->{sock} } grep { !$_->{ended} && length $_->{out} < $HELD
        && (!$_->{busy} || length $_->{in} < $HELD) } values %conn);
    my $write = IO::Select->new(map { $_->{sock} } grep { length $_->{out} } values %conn);
    my ($can_read, $can_write) = IO::Select->select($read, $write, undef, 0.05);
    for my $sock (@{ $can_write // [] }) { my $conn = $conn{ fileno($sock) // -1 }; writable($conn) if $conn }
    for my $sock (@{ $can_read // [] }) {
        if (my $conn = $conn{ fileno($sock) // -1 }) { readable($conn); next }
        next if !$listener || $sock != $listener;
        my $peer = $listener->accept or next;
        $peer->blocking(0);
        my $count = grep { !$_->{for} } values %conn;
        keep(sock => $peer, crowd => $count >= $opt{connections}) if $count < 2 * $opt{connections};
    }
    timers();
}
