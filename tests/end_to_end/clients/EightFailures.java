// The same in Java: LIBRARY MODE BASE REFUSED AUTHORITY TRUTH. What is no part of Java is in Libraries.java.
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
import java.time.Duration;
import java.util.Locale;
import java.util.logging.*;
import javax.net.ssl.*;

class EightFailures {
    static final Duration LIMIT = Duration.ofSeconds(3);

    interface Client { void get(String url) throws Exception; }

    static Client urlConnection(SSLContext context) {
        return url -> {
            HttpsURLConnection connection = (HttpsURLConnection) new URL(url).openConnection();
            connection.setSSLSocketFactory(context.getSocketFactory());
            connection.setReadTimeout((int) LIMIT.toMillis());
            connection.getInputStream().readAllBytes();
        };
    }

    static Client httpClient(SSLContext context) {
        HttpClient client = HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build();
        return url -> {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).timeout(LIMIT).build();
            check(client.send(request, HttpResponse.BodyHandlers.ofByteArray()).statusCode());
        };
    }

    static void check(int status) throws IOException {
        if (status >= 500) throw new IOException("HTTP status " + status);
    }

    static Client client(String library, SSLContext context, X509TrustManager trust) throws Exception {
        if (library.equals("url_connection")) return urlConnection(context);
        if (library.equals("http_client")) return httpClient(context);
        return (Client) Class.forName("Libraries").getDeclaredMethod(library, SSLContext.class, X509TrustManager.class)
            .invoke(null, context, trust);
    }

    static void tell(String mode, String url, Exception error) {
        if (mode.equals("traceback")) error.printStackTrace();
        else if (mode.equals("logging")) Logger.getLogger("client").log(Level.SEVERE, "GET " + url, error);
        else System.out.println("GET " + url + " failed: " + error);
    }

    public static void main(String[] words) throws Exception {
        java.security.KeyStore trusted = java.security.KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream file = Files.newInputStream(Path.of(words[4]))) {
            trusted.setCertificateEntry("authority",
                java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        X509TrustManager trust = (X509TrustManager) factory.getTrustManagers()[0];
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {trust}, null);
        if (words[1].equals("buffered"))
            System.setOut(new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 20)));
        Client client = client(words[0], context, trust);
        client.get(words[2] + "ok"); // the first handshake of a virtual machine takes its time
        try (Writer truth = Files.newBufferedWriter(Path.of(words[5]))) {
            for (String fault : "close reset half-close half-reset nonsense silence busy refused".split(" ")) {
                String url = (fault.equals("refused") ? words[3] : words[2]) + fault;
                double began = System.currentTimeMillis() / 1000.0;
                boolean failed = true;
                try {
                    client.get(url);
                    failed = false;
                } catch (IOException error) {
                    tell(words[1], url, error);
                }
                double ended = System.currentTimeMillis() / 1000.0;
                truth.write(String.format(Locale.ROOT, "[\"%s\", %f, %f, %b]%n", fault, began, ended, failed));
            }
        }
        System.out.flush();
        System.exit(0); // the libraries' threads would go on
    }
}
