import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Posts 100 messages, one after the other, with the client of the JDK as it comes: it asks for HTTP/2 with each. */
class Post100 {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        var request = HttpRequest.newBuilder(URI.create(arguments[0] + "/v2/queues/q/messages"))
            .header("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")
            .header("X-Project-Id", "java")
            .header("Content-Type", "application/json")
            .timeout(java.time.Duration.ofSeconds(20))
            .POST(HttpRequest.BodyPublishers.ofString("{\"messages\": [{\"body\": 1}]}"))
            .build();
        int created = 0;
        for (int number = 0; number < 100; number++) {
            try {
                if (client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 201) created++;
            } catch (java.io.IOException failure) {
                System.out.println(number + ": " + failure);
                break;
            }
        }
        System.out.println("created " + created);
    }
}
