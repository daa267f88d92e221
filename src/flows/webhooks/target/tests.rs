use super::*;

const LIVE: Reach = Reach { loopback: false, ports: vec![] };

fn live() -> Reach {
    Reach { ports: vec![443], ..LIVE }
}

fn sandbox() -> Reach {
    Reach { loopback: true, ..live() }
}

#[derive(Debug, PartialEq)]
enum Word {
    Open,
    NoAddress,
    Scheme,
    User,
    Fragment,
    Port,
    Inside,
}

fn judged(reach: &Reach, text: &str) -> Word {
    match reach.target(text) {
        Ok(_) => Word::Open,
        Err(TargetError::NotAnAddress) => Word::NoAddress,
        Err(TargetError::Scheme) => Word::Scheme,
        Err(TargetError::UserInfo) => Word::User,
        Err(TargetError::Fragment) => Word::Fragment,
        Err(TargetError::Port { .. }) => Word::Port,
        Err(TargetError::NotPublic(_)) => Word::Inside,
    }
}

/// The table of failure 64: live, and sandbox where it differs.
#[test]
fn addresses_that_lead_inside_are_refused_however_they_are_written() {
    use Word::*;
    #[rustfmt::skip]
    let table = [
        ("https://shop.example/hooks",                  Open,      Open),
        ("https://shop.example:443/hooks?a=b",          Open,      Open),
        ("https://8.8.8.8/hook",                        Open,      Open),
        ("https://[2606:4700::1111]/hook",              Open,      Open),
        ("https://xn--80ak6aa92e.example/",             Open,      Open),
        // Schemes.
        ("http://shop.example/hooks",                   Scheme,    Scheme),
        ("ftp://shop.example/",                         Scheme,    Scheme),
        ("file:///etc/passwd",                          Scheme,    Scheme),
        ("gopher://127.0.0.1:6379/_FLUSHALL",           Scheme,    Scheme),
        ("javascript:alert(1)",                         Scheme,    Scheme),
        ("unix:/var/run/docker.sock",                   Scheme,    Scheme),
        ("//shop.example/hooks",                        NoAddress, NoAddress),
        ("",                                            NoAddress, NoAddress),
        ("https://",                                    NoAddress, NoAddress),
        // Who one is.
        ("https://shop.example@169.254.169.254/",       User,      User),
        ("https://user:pass@shop.example/",             User,      User),
        ("https://shop.example#@169.254.169.254/",      Fragment,  Fragment),
        ("https://shop.example\\@169.254.169.254/",     NoAddress, NoAddress),
        ("https://shop.example/\r\nHost: inner",        NoAddress, NoAddress),
        ("https://sh\top.example/",                     NoAddress, NoAddress),
        (" https://shop.example/",                      NoAddress, NoAddress),
        // Ports.
        ("https://shop.example:8443/",                  Port,      Port),
        ("https://shop.example:22/",                    Port,      Port),
        ("https://8.8.8.8:6379/",                       Port,      Port),
        ("https://shop.example:99999/",                 NoAddress, NoAddress),
        // This machine.
        ("https://127.0.0.1/",                          Inside,    Open),
        ("http://127.0.0.1:3000/hook",                  Scheme,    Open),
        ("https://localhost/",                          Inside,    Open),
        ("https://LOCALHOST./",                         Inside,    Open),
        ("http://a.localhost:3000/",                    Scheme,    Open),
        ("https://127.1/",                              Inside,    Open),
        ("https://2130706433/",                         Inside,    Open),
        ("https://0x7f000001/",                         Inside,    Open),
        ("https://0177.0.0.01/",                        Inside,    Open),
        ("https://127.0.0.1./",                         Inside,    Open),
        ("https://%31%32%37.0.0.1/",                    Inside,    Open),
        ("https://１２７.０.０.１/",                       Inside,    Open),
        ("https://[::1]/",                              Inside,    Open),
        ("https://[::ffff:127.0.0.1]/",                 Inside,    Open),
        ("https://[::ffff:7f00:1]/",                    Inside,    Open),
        ("https://[::127.0.0.1]/",                      Inside,    Inside),
        ("https://0.0.0.0/",                            Inside,    Inside),
        ("https://[::]/",                               Inside,    Inside),
        // Inner networks.
        ("https://10.0.0.1/",                           Inside,    Inside),
        ("https://10.1/",                               Inside,    Inside),
        ("https://172.16.0.1/",                         Inside,    Inside),
        ("https://192.168.1.1/",                        Inside,    Inside),
        ("https://3232235777/",                         Inside,    Inside),
        ("https://0xC0.0xA8.1.1/",                      Inside,    Inside),
        ("https://100.64.0.1/",                         Inside,    Inside),
        ("https://198.18.0.1/",                         Inside,    Inside),
        ("https://[fc00::1]/",                          Inside,    Inside),
        ("https://[fd00:ec2::254]/",                    Inside,    Inside),
        ("https://[::ffff:192.168.0.1]/",               Inside,    Inside),
        // Link-local, where clouds keep their secrets.
        ("https://169.254.169.254/latest/meta-data/",   Inside,    Inside),
        ("http://169.254.169.254/latest/meta-data/",    Scheme,    Scheme),
        ("https://2852039166/",                         Inside,    Inside),
        ("https://0xa9fea9fe/",                         Inside,    Inside),
        ("https://0251.0376.0251.0376/",                Inside,    Inside),
        ("https://[::ffff:169.254.169.254]/",           Inside,    Inside),
        ("https://[fe80::1]/",                          Inside,    Inside),
        // IPv4 inside IPv6: 6to4, NAT64, Teredo.
        ("https://[2002:a9fe:a9fe::1]/",                Inside,    Inside),
        ("https://[2002:7f00:1::]/",                    Inside,    Inside),
        ("https://[64:ff9b::10.0.0.1]/",                Inside,    Inside),
        ("https://[64:ff9b:1::a9fe:a9fe]/",             Inside,    Inside),
        ("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", Inside, Inside),
        // Everybody, nobody, and later.
        ("https://224.0.0.1/",                          Inside,    Inside),
        ("https://255.255.255.255/",                    Inside,    Inside),
        ("https://240.0.0.1/",                          Inside,    Inside),
        ("https://192.0.2.1/",                          Inside,    Inside),
        ("https://[ff02::1]/",                          Inside,    Inside),
        ("https://[2001:db8::1]/",                      Inside,    Inside),
        // Names that only an inner network knows.
        ("https://intranet/",                           Inside,    Inside),
        ("https://metadata.google.internal/",           Inside,    Inside),
        ("https://printer.local/",                      Inside,    Inside),
        ("https://router.home.arpa./",                  Inside,    Inside),
    ];
    for (text, in_live, in_sandbox) in table {
        assert_eq!(judged(&live(), text), in_live, "live: {text}");
        assert_eq!(judged(&sandbox(), text), in_sandbox, "sandbox: {text}");
    }
    assert_eq!(judged(&live(), &format!("https://shop.example/{}", "a".repeat(3_000))), NoAddress);
}

#[test]
fn what_a_name_leads_to_is_judged_like_what_is_written() {
    for (host, address, in_live, in_sandbox) in [
        ("shop.example", "8.8.8.8", true, true),
        ("shop.example", "127.0.0.1", false, true),
        ("shop.example", "::ffff:127.0.0.1", false, true),
        ("shop.example", "169.254.169.254", false, false),
        ("shop.example", "10.0.0.1", false, false),
        ("shop.example", "fd00::1", false, false),
        ("shop.example", "64:ff9b::a9fe:a9fe", false, false),
        ("localhost", "127.0.0.1", false, true),
        // A name of this machine that leads elsewhere would be called over plain HTTP.
        ("localhost", "8.8.8.8", false, false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(live().judge(host, address).is_ok(), in_live, "live: {host} {address}");
        assert_eq!(sandbox().judge(host, address).is_ok(), in_sandbox, "sandbox: {host} {address}");
    }
}
