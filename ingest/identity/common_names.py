"""Names that many people bear, and mail providers that anybody may use: alone they tell nobody apart.

The lists are short on purpose: the most frequent given and family names of several languages, in ASCII and lower case. What they lack
is learned from the accounts at hand (`ingest.identity.rules`).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GIVEN = _words(
    """
    abby adan adele adriana agnes alain alessandro alessandra alejandra alexa alfonso alfredo alicja alina alison allison amelia andreea
    anders andras andrzej aneta angel anjali ankita anouk anselm ansgar antoine antoni ariel arnold arvind asha asif atul august aurelien
    ava axel aziz balazs baptiste barry bartosz beatrice bela benedikt benny bert bertrand bharat blair blake boaz bobby brandi brooke
    bryce caleb cameron camille carmen carsten cary catalin cathy celine cesar chandra charlotte chirag christine christof christos cindy
    clemens cliff clint cody conor constantin corinne cornelia craig cristina cynthia daisuke damian danilo darrell darwin debbie deborah
    dejan desmond dieter dima dimitar dimitris dino dmytro dominique doris dorothy eckhard eddy edith edmund eduard egor eileen ekaterina
    eleanor elisa ella elliot elliott elsa emanuel emanuele emiliano emilie ender enrique erich ernst erwan esteban esther etienne evelyn
    fabrice faisal farid felicia fiona florence flavio flora frances franco frederick freddy friedrich gabi gabriela gabriele gaetan
    galina garrett gaston gavin gemma geoffrey gerald gerd gergely gert giacomo gianluca gianni gina giorgio girish giulia gopal grzegorz
    guilherme gunnar gunther gurpreet gustav gwen hamid hamza hana hanna hari harish harold hassan heather heike heinrich heinz hendrik
    herman hermann hilary hiroshi hitesh horst hubert humberto ibrahim ignacio igor ilan imran ines ingrid ioana irina iris isabelle ismail
    israel itamar ivo jacek jacky jacopo jaap jad jaroslav jasmin jasmine jasper jayden jeanette jeannie jean-luc jeremie jerome jess
    jill jitendra joachim joanna joanne joaquin jochen jody joey joel johnathan jolanta joost jordi jorgen josefa josh josip joy jozef
    julianna julius jutta kamal karan kari karim karin karina karl-heinz karol karthik kasper kathleen kathryn kathy katja katrin kaushik
    kay kayla kelvin kerry khaled kiara kieran kimberly kirk kirsten klara koen kristen kristin kristina kristof krystian krzysztof kunal
    kaustubh lalit lasse laurence laurie lawrence leah lena leonid leopold leroy leslie lev levi lidia lilian lily liz lorena lorraine
    lou louise lubomir lucie lucien lucy ludovic luigi luiz lukas lyle mads magdalena magnus mahesh malcolm malte mandy manish manu mara
    marcella marcello marian mariana mariano marilyn marion marissa marko marlene maro marshall marty massimo mateusz mathilde
    matthijs maud maureen mauro maya mayank megan meghan melanie melinda mervyn micah michaela mickael mihail miki miklos mila millie
    miriam miroslav misha mitch moe mohamad mohan mohsen moritz moses mustafa myles nabil nadine nanda nancy naomi nasser natasha nate
    naveen navin ned neha nelson nestor nicole niklas nikola nikos nilesh nishant noa noam norman octavio olivia omer ondrej oren orlando
    osman osvaldo otis ovidiu padma pam pamela pankaj paola parker parth pascale patrizia patryk peggy peng perla petra petros phillippe
    piero pierre-yves pieter piper pooja pradeep prasad pratik prem preston qasim rachael radu raffaele ragnar raimund rajiv rakesh
    ramesh ramiro ramon rana randall raoul rashid regina reinhard reiner rene renato rhys rich ricky rico riley rita rodolfo rodney
    romana ronny rosa rosario roxana ruby rudi rudy rupert rustam sabine sabrina sachin sagar sai salman salvador salvatore samer sami
    samina sammy sanjeev sascha sathish saurabh sebastien selim serhii seth shaheen shahid shankar sharad shashank sheldon sherry shiva
    shreya shruti shubham siddharth silke silvia simona slava slavik slavko snehal soeren soren spencer stacy stanley stefania stella
    sterling steph stephane sudeep sue suraj svetlana swapnil sylvia tal tamara tamas tanja tariq tatiana teddy teo terence terrence tess
    theo theodore theresa thijs thilo tibor tiffany timur tobi tobin tomasz toon torben torsten trish tuomas udo ulf ulrich ulrike umesh
    ursula vaibhav valeria valerie valery vanja varun vaughn venkat vera veronica veronika vic vincenzo vineet virgil vishnu vitaly vitor
    vivian vlad vladislav vojtech wade wanda wayne wilfried wilhelm willem willy winston wojciech xander yael yair yaroslav yasmin yogesh
    yolanda yosef youssef yuki yuriy yusuf yvonne zachariah zach zdenek zoe zoltan
    aaron abdul abhishek adam aditya adrian ahmed aidan ajay akash alan albert alejandro aleksandr alex alexander
    alexandra alexandre alexey alexis alfred ali alice alicia allan allen alvaro amanda amir amit amy ana anand
    andre andrea andreas andrei andres andrew andrey andy angela anil anita anja ankit ann anna anne annie anthony
    anton antonio anurag april arjun armin arnaud arne art artem arthur arun ashish ashley ashok barbara bart
    bastian ben benjamin benoit bernard bernd bernhard beth bill bjorn bob bogdan boris brad bradley brandon brendan
    brent brett brian bruce bruno bryan carl carla carlos carol caroline casey catherine cedric chad charles charlie
    chen chloe chris christian christina christine christoph christophe christopher claire clara claudia claudio
    clement colin connor corey craig cristian curtis cyril dale damien dan dana daniel daniela daniele danny dario
    darren dave david dean deepak denis dennis derek diana diego dimitri dirk dmitri dmitriy dmitry dominic dominik
    don donald doug douglas drew duncan dylan earl eddie edgar eduardo edward edwin elena eli elias elizabeth ellen
    emil emilio emily emma emmanuel enrico eric erica erik erin ernesto ethan eugene eva evan evgeny fabian fabien
    fabio fatima federico felipe felix fernando filip florian francesco francis francisco franck francois frank
    franz fred frederic frederik fredrik gabriel gareth gary gaurav gavin geoff georg george gerald gerard gilles
    giovanni giuseppe glen glenn gordon grace graham grant greg gregor gregory guido guillaume gustavo guy hannah
    hannes hans harald harry harsh hector heidi helen helena helmut henri henrik henry herbert holger howard hugh
    hugo ian igor ilya ingo irene isaac isabel ivan jack jackie jackson jacob jacques jaime jake jakob jakub james
    jamie jan jana jane janet jared jason javier jay jean jeff jeffrey jennifer jenny jens jeremy jerome jerry jesse
    jessica jesus jim jimmy joan joao joe joel joerg johan johann johannes john johnny jon jonas jonathan jordan
    jorg jorge jose josef joseph josh joshua juan judith juergen julia julian julie julien julio jun jurgen justin
    kai karel karen karl karsten kate katherine kathrin katie keith kelly ken kenneth kevin kim kiran kirill klaus
    konrad konstantin kris krishna kristian kumar kurt kyle lance larry lars laura lauren laurent lee len leo leon
    leonard leonardo lewis li liam lin linda linus lisa liu logan lorenz lorenzo louis luc luca lucas lucia luis
    lukas lukasz luke lydia lynn maciej madhu manoj manuel marc marcel marcelo marcin marco marcos marcus marek
    maria marie marina mario marius mark marko markus marta martijn martin martina marvin mary mathias mathieu mats
    matt matteo matthew matthias matthieu maurice mauricio max maxim maxime mehmet melissa michael michal michel
    michele michelle miguel mihai mikael mike mikhail milan miles min mitchell mohamed mohammad mohammed mohit
    monica morgan muhammad murali nadia naresh natalia natalie nate nathan neal neeraj neil nic nicholas nick nico
    nicola nicolas niels nikhil nikita nikolai nikolaus nikolay nils nina nitin noah noel nora norbert olaf ole oleg
    olga oliver olivia olivier omar oscar otto owen pablo paolo pascal pat patricia patrick patrik paul paula paulo
    pavel pawel pedro penny perry pete peter petr phil philip philipp philippe phillip pierre piotr prakash pranav
    prashant praveen priya quentin rachel radek rafael rahul raj rajesh ralf ralph ram raman ramesh randy raphael
    raul ravi ray raymond rebecca remi rene ricardo riccardo richard rick rob robert roberto robin rod rodrigo roger
    rohan rohit roland rolf romain roman ron ronald rory rose ross roy ruben rudolf russ russell ruth ryan sam
    samantha samir samuel sandeep sandra sanjay santiago santosh sara sarah sasha satish scott sean sebastian
    sebastien serge sergei sergey sergio shane shannon sharon shaun shawn sheila simon simone sofia sonia sophie
    srinivas stan stanislav stefan stefano stephan stephane stephanie stephen steve steven stewart stuart sudhir
    sunil suresh susan sven sylvain tadeusz tania tara taylor ted teresa terry thibault thierry thomas thorsten
    tiago tim timo timothy tina tobias todd tom tomas tomasz tommy toni tony tracy travis trevor tristan troy tyler
    uwe vadim valentin vanessa vasily victor victoria vijay vikas vikram viktor vinay vincent vinod virginia vishal
    vivek vlad vladimir volker walter wang warren wayne wei wendy werner wes will william wolfgang xavier xin yan
    yang yann yannick yi ying yong yu yuri yves zac zach zachary zhang
    """
)
"""Given names and their usual short forms."""

FAMILY = _words(
    """
    obrien oconnor oneill odonnell howard
    adams ahmed alexander ali allen alvarez an anderson bailey baker barnes becker bell bennett berg bianchi braun
    brooks brown bryant butler campbell carter castillo castro chan chang chavez chen cheng cho choi clark collins
    cook cooper cox cruz das davies davis diaz dubois edwards evans fernandez fischer fisher flores ford foster fox
    gao garcia garg gibson gomez gonzales gonzalez gordon graham gray green griffin guo gupta gutierrez hall
    hamilton hansen hao harris harrison hayes he henderson hernandez hill hoffmann howard hu huang hughes hunter
    hussain hwang ito ivanov jackson jain james jang jansen jenkins jensen jiang jimenez johansson johnson jones
    jordan joseph jung kang kaur kelly kennedy khan kim king klein koch kowalski kumar kwon lee lehmann lewis li
    liang lim lin liu long lopez lu luo ma marshall martin martinez mason mayer mccarthy mcdonald mehta mendoza
    meyer miller mishra mitchell moore morales moreno morgan morris mueller muller murphy murray myers nelson
    neumann nguyen nielsen novak nowak oh olsen olson ortiz owens pan park parker patel patil pereira perez perry
    peters petersen peterson petrov pham phillips popov powell price rahman ramirez ramos rao reddy reed reyes
    reynolds richards richardson richter rivera roberts robertson robinson rodrigues rodriguez rogers romero rose
    ross rossi roy ruiz russell russo ryan sanchez santos sato schmidt schmitz schneider schroder schulz schulze
    schwarz scott shah sharma shaw shen shin silva simmons simpson singh smith snyder song stein stevens stewart
    sullivan sun suzuki takahashi tan tanaka tang taylor thomas thompson torres tran tucker turner vasquez verma
    wagner walker wallace wang ward washington watanabe watson weber wei wells werner west white williams williamson
    wilson wolf wong wood woods wright wu xie xu yadav yamamoto yan yang ye yoon young yu yuan zhang zhao zheng zhou
    zhu zimmermann
    """
)
"""Family names."""

TOP_GIVEN = _words(
    """
    abhishek adam alan alex alexander ali amit andrea andreas andrew andy anil ankit anna anthony ben benjamin bill
    bob brian carlos charles chris christian christopher dan daniel dave david deepak eric frank george james jan
    jason jeff jennifer jim joe john jon jonathan jose joseph juan julien kevin laura luis manoj marc marco maria
    mark markus martin mary matt matthew michael mike mohamed mohammed muhammad nick nicolas oliver patrick paul
    pedro peter philip philippe pierre priya rahul raj rajesh ravi richard rob robert rohit ryan sam sandeep sanjay
    sarah scott sean sebastian sergey simon stefan stephen steve steven sunil suresh susan thomas tim tom tony vijay
    vikas vivek william
    """
)
"""The most frequent given names."""

TOP_FAMILY = _words(
    """
    obrien oconnor oneill
    ali anderson becker brown campbell clark davies davis evans fernandez fischer garcia gonzalez green gupta hall
    harris hernandez hill hoffmann jackson jensen johansson johnson jones khan king klein kumar lee lewis lopez
    martin martinez meyer miller moore morgan mueller muller murphy nelson nguyen nielsen patel perez peters
    phillips ramirez roberts robinson rodriguez ryan sanchez schmidt schneider scott sharma silva singh smith taylor
    thomas thompson turner wagner walker weber white williams wilson wood wright young
    """
)
"""The most frequent family names of languages with many of them."""

DENSE_FAMILY = _words(
    """
    chen choi gao guo he hu huang jung kim lee li lim lin liu lu ma park sun wang wu xu yang yu zhang zhao zhou zhu
    """
)
"""Family names that percents of their countries' people bear, with short given names that are as frequent."""

WIDE_FAMILY = _words("agarwal gupta jain khan kumar patel shah sharma singh verma yadav")
"""Family names so wide-spread that with most given names several people bear the whole."""

PROVIDERS = _words(
    """
    126.com 139.com 163.com acm.org aliyun.com alum.mit.edu alumni.stanford.edu aol.com apache.org archlinux.org
    att.net bigpond.com bluewin.ch bol.com.br btinternet.com comcast.net cox.net debian.org email.com fastmail.com
    fastmail.fm fedoraproject.org foxmail.com free.fr freebsd.org freemail.hu freenet.de gentoo.org gmail.com gmx.at
    gmx.ch gmx.com gmx.de gmx.net gnu.org googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr
    hotmail.it hushmail.com icloud.com ieee.org inbox.ru interia.pl kernel.org kolabnow.com laposte.net libero.it
    linux.com linux.vnet.ibm.com list.ru live.com live.de live.fr live.nl mac.com mail.com mail.ru mailbox.org
    mailinator.com me.com msn.com naver.com o2.pl onet.pl online.de opensuse.org optonline.net orange.fr outlook.com
    outlook.de outlook.fr pacbell.net pm.me pobox.com posteo.de posteo.net privaterelay.appleid.com proton.me
    protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com riseup.net rocketmail.com sbcglobal.net seznam.cz
    shaw.ca sina.cn sina.com sky.com sohu.com t-online.de telus.net tutanota.com ubuntu.com ukr.net
    users.noreply.github.com users.sourceforge.net verizon.net vip.qq.com walla.com wanadoo.fr web.de wp.pl ya.ru
    yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.in
    yandex.com yandex.ru yeah.net ymail.com zoho.com
    """
)
"""Domains whose addresses belong to people, not to one organisation."""

ONES_OWN = _words(
    """
    debian linux list lists news opensource
    code contact dev docker email git github gitlab hello hi info it mail me npm oss pi user web work www
    """
)
"""Those of `ROLES` that people with a domain of their own take for themselves."""

ROLES = _words(
    """
    pair pairing pairs
    abuse admin admin1 administrator alert alerts all anonymous apache api app apt automation backup billing build
    builder builds centos ci cloud code commits contact core cron daemon data debian deploy deployer deployment
    deployments dev devel develop developer developers development devnull devops docker ec2-user email engineering
    example fedora feedback ftp git github github-actions gitlab group guest hello help helpdesk hi host hostmaster
    info infra infrastructure it jenkins job jobs linux list lists localadmin localhost mac macbook mail
    mailer-daemon mailman me media monitoring mysql nagios name network news no-reply no.reply no_author nobody none
    noreply not-a-real-address nouser npm null office on-call oncall opensuse operations operator ops oss owner
    packages password pi platform postgres postmaster prod production project puppet pypi qa react release releases
    reply reports robot root sales security server service services site sre staff student support sysadmin
    sysadmins system systems team teams test tester testing tools travis ubuntu unknown user users vagrant web
    webmaster win windows work worker workspace www www-data you you@example your-email your.email your_email
    youremail
    """
)
"""Local parts, logins and display names that stand for a function, a default or nobody."""
